// WIT: https://github.com/spinframework/spin, wit/deps/spin@2.0.0/sqlite.wit.
#include "guestapi/sql_host.hpp"

#include "base/deadline.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace quern::guestapi {

namespace {
constexpr std::chrono::seconds kLongestWait{5};
constexpr std::chrono::milliseconds kBetweenTries{1};
constexpr std::size_t kMostConnections = 64;

struct SqlHandle;
using Connection = std::shared_ptr<store::Connection>;

// A statement on its way; who finds the database locked waits until `end`.
struct Statement {
  std::shared_ptr<wasm::HostCall> call;
  std::shared_ptr<SqlHandle> handle;
  std::string sql;
  std::vector<store::SqlValue> parameters;
  Deadline end;
};

}  // namespace

// Connections to one place and the lane on which they are used.
class SqlDatabase {
 public:
  Result<> run(std::function<void()> job) {
    const auto lane = lane_.lock();
    if (*lane && (*lane)->run(std::move(job)).ok()) return {};
    return fail(ErrorKind::unavailable, "too many calls wait for the database; try again");
  }
  // Waits for the job that runs; those behind it are dropped.
  void end() {
    auto last = std::move(*lane_.lock());  // not under the lock: jobs that are dropped use it
    last = nullptr;
    waiting_.clear();
  }

  // The rest on the lane alone.
  Result<Connection> connect(const store::Stores& stores, const store::Place& place);
  void execute(Statement statement);
  void close(Connection connection);

 private:
  // False when the database is locked and the statement may wait.
  bool attempt(const Statement& statement);
  bool take_back(const Connection& waits);
  void try_waiting();
  void try_later();

  std::vector<std::weak_ptr<store::Connection>> open_;
  // First come, first served: each time that somebody else is done.
  std::vector<Statement> waiting_;
  bool trying_later_ = false;
  Guarded<std::unique_ptr<Lane>> lane_{std::make_unique<Lane>("quern-sql", 1024)};
};

namespace {

enum Case : std::uint8_t { no_such_database, access_denied, invalid_connection, full, io };

// A connection as the guest has it. The lane closes it: that may wait for the disk.
struct SqlHandle final : Handle {
  SqlHandle(std::shared_ptr<SqlDatabase> where, Connection what)
      : database(std::move(where)), connection(std::move(what)) {}
  ~SqlHandle() override {
    (void)database->run([where = database.get(), last = std::move(connection)]() mutable {
      where->close(std::move(last));
    });
  }
  const std::shared_ptr<SqlDatabase> database;
  Connection connection;
};

void deny(wasm::HostCall& call, Case which, std::string_view text = {}) {
  wasm::ValueWriter out;
  out.present(false).discriminant(which);
  if (which == Case::io) out.text(text);
  call.resolve(out);
}

// What is wrong with the file is for its owner: the words name it.
void refuse(wasm::HostCall& call, const Error& error) {
  switch (error.kind()) {
    case ErrorKind::guest_trap: return call.trap(error.message());
    case ErrorKind::cancelled: return;  // the guest is gone
    case ErrorKind::resource_exhausted: return deny(call, Case::full);
    case ErrorKind::invalid_argument:
    case ErrorKind::deadline_exceeded:
    case ErrorKind::unavailable: return deny(call, Case::io, error.message());
    default: break;
  }
  dynamic_cast<GuestInstance&>(*call.state()).warn(error.describe());
  deny(call, Case::io, "the database cannot be used; the host's log says why");
}

Result<std::vector<store::SqlValue>> read_parameters(wasm::ValueReader& in) {
  const std::uint32_t count = in.count();
  if (count > store::kMostParameters) {
    return fail(ErrorKind::invalid_argument, "a statement has at most 1000 parameters");
  }
  std::vector<store::SqlValue> parameters;
  for (std::uint32_t i = 0; i < count; ++i) {
    switch (in.discriminant()) {
      case 0: parameters.emplace_back(static_cast<std::int64_t>(in.u64())); break;
      case 1: parameters.emplace_back(in.f64()); break;
      case 2: parameters.emplace_back(std::string(in.text())); break;
      case 3: {
        const ByteView blob = in.bytes();
        parameters.emplace_back(Buffer(blob.begin(), blob.end()));
        break;
      }
      default: parameters.emplace_back(std::monostate());
    }
  }
  return parameters;
}

void write_value(wasm::ValueWriter& out, const store::SqlValue& value) {
  if (const auto* const number = std::get_if<std::int64_t>(&value)) {
    out.discriminant(0).u64(static_cast<std::uint64_t>(*number));
  } else if (const auto* const real = std::get_if<double>(&value)) {
    out.discriminant(1).f64(*real);
  } else if (const auto* const text = std::get_if<std::string>(&value)) {
    out.discriminant(2).text(*text);
  } else if (const auto* const blob = std::get_if<Buffer>(&value)) {
    out.discriminant(3).bytes(*blob);
  } else {
    out.discriminant(4);
  }
}

void write_answer(wasm::ValueWriter& out, const store::SqlAnswer& answer) {
  out.present(true).count(answer.columns.size());
  for (const std::string& column : answer.columns) out.text(column);
  out.count(answer.rows.size());
  for (const auto& row : answer.rows) {
    out.count(row.size());
    for (const store::SqlValue& value : row) write_value(out, value);
  }
}

}  // namespace

Result<Connection> SqlDatabase::connect(const store::Stores& stores, const store::Place& place) {
  std::erase_if(open_, [](const auto& connection) { return connection.expired(); });
  if (open_.size() >= kMostConnections) {
    return fail(ErrorKind::unavailable, "the database has 64 connections, which is the most");
  }
  Connection made = TRY(stores.connect(place));
  open_.emplace_back(made);
  return made;
}

void SqlDatabase::execute(Statement statement) {
  if (attempt(statement)) return try_waiting();
  waiting_.push_back(std::move(statement));
  try_later();
}

void SqlDatabase::close(Connection connection) {
  connection = nullptr;
  try_waiting();
}

bool SqlDatabase::attempt(const Statement& statement) {
  const Connection& connection = statement.handle->connection;
  const auto once = [&] { return connection->execute(statement.sql, statement.parameters); };
  Result<store::SqlAnswer> answer = once();
  if (!answer.ok() && answer.error().kind() == ErrorKind::unavailable) {
    if (!statement.end.passed()) return false;
    if (take_back(connection)) answer = once();
  }
  if (!answer.ok()) {
    refuse(*statement.call, answer.error());
  } else {
    wasm::ValueWriter out;
    write_answer(out, *answer);
    statement.call->resolve(out);
  }
  return true;
}

// What is open for as long as this one waited.
bool SqlDatabase::take_back(const Connection& waits) {
  bool freed = false;
  for (const auto& other : open_) {
    const Connection held = other.lock();
    if (held && held != waits && held->take_back(kLongestWait)) freed = true;
  }
  return freed;
}

// All of them: one that waits may have what an earlier one waits for.
void SqlDatabase::try_waiting() {
  while (std::erase_if(waiting_, [this](const auto& waits) { return attempt(waits); }) > 0)
    continue;
}

// Who has the lock may be another process, or do nothing for a while.
void SqlDatabase::try_later() {
  if (trying_later_) return;
  trying_later_ = run([this] {
                    trying_later_ = false;
                    std::this_thread::sleep_for(kBetweenTries);
                    try_waiting();
                    if (!waiting_.empty()) try_later();
                  }).ok();
}

SqlHost::~SqlHost() {
  for (const auto& [place, database] : *databases_.lock()) database->end();
}

std::shared_ptr<SqlDatabase> SqlHost::database(const store::Place& place) {
  const std::string key = place.file.empty() ? place.name : place.file.string();
  auto databases = databases_.lock();
  std::shared_ptr<SqlDatabase>& found = (*databases)[key];
  if (!found) found = std::make_shared<SqlDatabase>();
  return found;
}

wasm::HostFunction SqlHost::function(Method method) {
  return [this, method](std::unique_ptr<wasm::HostCall> call) {
    const Call shared = std::move(call);
    const auto guest = std::dynamic_pointer_cast<GuestInstance>(shared->state());
    if (!guest) return shared->trap("this guest was given no databases at all");
    const Result<> done = (this->*method)(*guest, shared);
    if (!done.ok()) refuse(*shared, done.error());
  };
}

Result<> SqlHost::open(GuestInstance& guest, const Call& call) {
  const auto place = guest.granted_database(call->arguments().text());
  if (!place.ok()) {
    guest.warn(place.error().message());
    deny(*call, Case::access_denied);
    return {};
  }
  if (stores_ == nullptr) return fail(ErrorKind::unsupported, "no databases are kept here");
  const auto where = database(*place);
  return where->run([this, &guest, call, place = *place, where] {  // the call holds its guest
    const auto answer = [&]() -> Result<std::uint32_t> {
      auto connection = TRY(where->connect(*stores_, place));
      return guest.handles.add(std::make_shared<SqlHandle>(where, std::move(connection)));
    };
    const Result<std::uint32_t> handle = answer();
    if (!handle.ok()) return refuse(*call, handle.error());
    wasm::ValueWriter out;
    call->resolve(out.present(true).resource(*handle));
  });
}

Result<> SqlHost::execute(GuestInstance& guest, const Call& call) {
  auto in = call->arguments();
  const auto handle = TRY(guest.handles.find<SqlHandle>(in.resource(), "connection"));
  std::string sql(in.text().substr(0, store::kLongestSql + 1));
  auto parameters = TRY(read_parameters(in));
  const auto database = handle->database;
  return database->run(
      [database, statement = Statement{call, handle, std::move(sql), std::move(parameters),
                                       Deadline::in(kLongestWait)}]() mutable {
        database->execute(std::move(statement));
      });
}

wasm::HostInterface SqlHost::interface() {
  return {.name = "fermyon:spin/sqlite@2.0.0",
          .functions = {{"[static]connection.open", function(&SqlHost::open)},
                        {"[method]connection.execute", function(&SqlHost::execute)}},
          .resources = {
              {.name = "connection", .drop = [](wasm::InstanceState* state, std::uint32_t id) {
                 auto* const guest = dynamic_cast<GuestInstance*>(state);
                 if (guest != nullptr) guest->handles.remove(id);
               }}}};
}

}  // namespace quern::guestapi
