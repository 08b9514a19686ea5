// What SQLite itself advises for statements of strangers (https://www.sqlite.org/security.html),
// and bounds for what it leaves open: time, memory and the size of an answer.
//
// The journal is a rollback journal and no write-ahead log: with a reader that never ends, that log
// would grow beyond every limit.
#include "store/sqlite_connection.hpp"

#include "base/deadline.hpp"
#include "base/utf8.hpp"

#include "store/sqlite_database.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace quern::store {
namespace {

constexpr std::chrono::seconds kLongestStatement{5};
constexpr int kStepsBetweenLooks = 100;  // one step may make a value of the longest kind
constexpr std::int64_t kMostMemory = std::int64_t{256} << 20U;
constexpr std::size_t kLargestAnswer = std::size_t{4} << 20U;
constexpr std::size_t kCell = 40;  // bytes of an answer that a cell takes beside its own
constexpr const char* kLocked = "the database is locked by another connection";
constexpr std::size_t kBlob = 4;  // times: lists of bytes are large while they cross

struct Bound {
  int which;
  int most;
};
constexpr auto kBounds = std::to_array<Bound>({
    {SQLITE_LIMIT_LENGTH, static_cast<int>(kLargestValue.count) + (64 << 10)},
    {SQLITE_LIMIT_SQL_LENGTH, static_cast<int>(kLongestSql)},
    {SQLITE_LIMIT_COLUMN, 256},
    {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_COMPOUND_SELECT, 50},
    {SQLITE_LIMIT_VDBE_OP, 100'000},
    {SQLITE_LIMIT_FUNCTION_ARG, 32},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256},
    {SQLITE_LIMIT_VARIABLE_NUMBER, static_cast<int>(kMostParameters)},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 16},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
});

constexpr std::string_view kPragmas[] = {
    "foreign_key_check", "foreign_key_list", "foreign_keys", "index_info",  "index_list",
    "index_xinfo",       "integrity_check",  "page_count",   "quick_check", "table_info",
    "table_list",        "table_xinfo",      "user_version",
};
constexpr std::string_view kFunctions[] = {"load_extension", "fts3_tokenizer"};  // not these

template <std::size_t N>
bool is_among(const std::string_view (&names)[N], const char* name) {
  return name != nullptr && std::ranges::find(names, std::string_view(name)) != std::end(names);
}

// What of a statement is not offered; empty: nothing.
std::string refused(int action, const char* first, const char* second) {
  switch (action) {
    case SQLITE_PRAGMA:
      if (is_among(kPragmas, first)) return {};
      return std::string("PRAGMA ") + (first == nullptr ? "" : first);
    case SQLITE_FUNCTION:
      return is_among(kFunctions, second) ? "the function " + std::string(second) : std::string();
    case SQLITE_ATTACH:
    case SQLITE_DETACH: return "ATTACH, DETACH and VACUUM";
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE: return "virtual tables";
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW: return "temporary tables";
    case SQLITE_ALTER_TABLE:
    case SQLITE_ANALYZE:
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DELETE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_DROP_TEMP_TABLE:
    case SQLITE_DROP_TEMP_TRIGGER:
    case SQLITE_DROP_TEMP_VIEW:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_INSERT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_REINDEX:
    case SQLITE_SAVEPOINT:
    case SQLITE_SELECT:
    case SQLITE_TRANSACTION:
    case SQLITE_UPDATE: return {};
    default: return "this kind of statement";
  }
}

// SQLite hands out what was stored as text, whatever its bytes are.
std::string to_valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t bytes = first_character(text).bytes;
    if (bytes == 0) {
      valid += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    } else {
      valid += text.substr(0, bytes);
      text.remove_prefix(bytes);
    }
  }
  return valid;
}

class SqliteConnection final : public Connection {
 public:
  explicit SqliteConnection(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  Result<> make_ready(Bytes limit);
  Result<SqlAnswer> execute(std::string_view sql, const std::vector<SqlValue>& parameters) override;
  bool take_back(std::chrono::milliseconds age) override;

 private:
  struct Finalize {
    const SqliteLibrary* library;
    void operator()(sqlite3_stmt* statement) const { library->finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  static int authorize(void* self, int action, const char* first, const char* second,
                       const char* database, const char* trigger);
  static int look(void* self);

  const SqliteLibrary& library() const { return database_->library(); }
  // The first statement of `sql`, which then begins behind it; null when there is none.
  Result<Statement> next_statement(std::string_view& sql);
  Result<> bind(sqlite3_stmt* statement, const std::vector<SqlValue>& parameters);
  Result<SqlAnswer> run(sqlite3_stmt* statement);
  SqlValue cell(sqlite3_stmt* statement, int column) const;
  // What a code means to the author of the statement.
  Error error(int code) const;

  const std::unique_ptr<Database> database_;
  Deadline end_ = Deadline::never();                  // of the statement that runs
  const char* stopped_ = nullptr;                     // why it ended before its end
  std::string refused_;                               // what the guard did not let through
  std::optional<Deadline::Clock::time_point> since_;  // when the open transaction began
  bool taken_back_ = false;
};

int SqliteConnection::authorize(void* self, int action, const char* first, const char* second,
                                const char* /*database*/, const char* /*trigger*/) {
  auto& that = *static_cast<SqliteConnection*>(self);
  that.refused_ = refused(action, first, second);
  return that.refused_.empty() ? SQLITE_OK : SQLITE_DENY;
}

int SqliteConnection::look(void* self) {
  auto& that = *static_cast<SqliteConnection*>(self);
  if (that.end_.passed()) that.stopped_ = "the statement took longer than 5 s";
  if (that.library().memory_used() > kMostMemory) {
    that.stopped_ = "the statement and others at this time need more than 256 MiB of memory";
  }
  return that.stopped_ == nullptr ? 0 : 1;
}

Result<> SqliteConnection::make_ready(Bytes limit) {
  if (TRY(database_->number("PRAGMA application_id")) == kApplicationId) {
    return fail(ErrorKind::invalid_argument,
                database_->file().string() + " is a key-value store and no database");
  }
  const std::uint64_t page = TRY(database_->number("PRAGMA page_size"));
  TRY(
      database_->execute("PRAGMA trusted_schema = OFF;"
                         "PRAGMA foreign_keys = ON;"
                         "PRAGMA synchronous = FULL;"
                         "PRAGMA temp_store = MEMORY;"
                         "PRAGMA cache_size = -512;"
                         "PRAGMA max_page_count = " +
                         std::to_string(std::max<std::uint64_t>(limit.count / page, 4))));
  sqlite3* const connection = database_->connection();
  library().db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  library().db_config(connection, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  for (const Bound& bound : kBounds) library().limit(connection, bound.which, bound.most);
  library().set_authorizer(connection, authorize, this);
  library().progress_handler(connection, kStepsBetweenLooks, look, this);
  library().busy_timeout(connection, 0);  // whoever waits, waits elsewhere
  return {};
}

Result<SqliteConnection::Statement> SqliteConnection::next_statement(std::string_view& sql) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int code = library().prepare_v3(database_->connection(), sql.data(),
                                        static_cast<int>(sql.size()), 0, &statement, &rest);
  Statement owned(statement, Finalize{&library()});
  if (code != SQLITE_OK) return fail(error(code));
  sql.remove_prefix(static_cast<std::size_t>(rest - sql.data()));
  return owned;
}

Result<SqlAnswer> SqliteConnection::execute(std::string_view sql,
                                            const std::vector<SqlValue>& parameters) {
  if (std::exchange(taken_back_, false)) {
    return fail(ErrorKind::deadline_exceeded,
                "the transaction was open for so long that it was taken back; begin it again");
  }
  end_ = Deadline::in(kLongestStatement);
  stopped_ = nullptr;
  refused_.clear();
  if (sql.size() > kLongestSql || sql.find('\0') != sql.npos) {
    return fail(ErrorKind::invalid_argument, "a statement has at most 64 KiB, and no zero bytes");
  }
  const Statement statement = TRY(next_statement(sql));
  if (!statement) return fail(ErrorKind::invalid_argument, "there is no statement");
  while (!sql.empty()) {
    if (TRY(next_statement(sql))) {
      return fail(ErrorKind::invalid_argument, "there is more than one statement");
    }
  }
  TRY(bind(statement.get(), parameters));
  Result<SqlAnswer> answer = run(statement.get());
  const bool open = library().get_autocommit(database_->connection()) == 0;
  if (!open) since_.reset();
  if (open && !since_) since_ = Deadline::Clock::now();
  return answer;
}

Result<> SqliteConnection::bind(sqlite3_stmt* statement, const std::vector<SqlValue>& parameters) {
  const int wanted = library().bind_parameter_count(statement);
  if (std::cmp_not_equal(wanted, parameters.size())) {
    return fail(ErrorKind::invalid_argument, "the statement has " + std::to_string(wanted) +
                                                 " parameters and got " +
                                                 std::to_string(parameters.size()));
  }
  int at = 0;
  for (const SqlValue& value : parameters) {
    ++at;
    int code = SQLITE_OK;  // of NULL, which is what nothing was bound to
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
      code = library().bind_int64(statement, at, *number);
    } else if (const auto* const real = std::get_if<double>(&value)) {
      code = library().bind_double(statement, at, *real);
    } else if (const auto* const text = std::get_if<std::string>(&value)) {
      code = library().bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC,
                                   SQLITE_UTF8);
    } else if (const auto* const blob = std::get_if<Buffer>(&value)) {
      const void* const data = blob->empty() ? "" : static_cast<const void*>(blob->data());
      code = library().bind_blob64(statement, at, data, blob->size(), SQLITE_STATIC);
    }
    if (code != SQLITE_OK) return fail(error(code));
  }
  return {};
}

Result<SqlAnswer> SqliteConnection::run(sqlite3_stmt* statement) {
  SqlAnswer answer;
  const int columns = library().column_count(statement);
  for (int i = 0; i < columns; ++i) {
    const char* const name = library().column_name(statement, i);
    answer.columns.push_back(to_valid_utf8(name == nullptr ? "" : name));
  }
  std::size_t size = 0;
  while (true) {
    const int code = library().step(statement);
    if (code == SQLITE_DONE) return answer;
    if (code != SQLITE_ROW) return fail(error(code));
    for (int i = 0; i < columns; ++i) {
      const int type = library().column_type(statement, i);
      const auto bytes = type == SQLITE_TEXT || type == SQLITE_BLOB
                             ? static_cast<std::size_t>(library().column_bytes(statement, i))
                             : 0;
      size += kCell + bytes * (type == SQLITE_BLOB ? kBlob : 1);
    }
    size += kCell;  // of the row
    if (size > kLargestAnswer) {
      return fail(ErrorKind::invalid_argument,
                  "the answer has more than 4 MiB (a blob counts four times); ask for less");
    }
    std::vector<SqlValue>& row = answer.rows.emplace_back();
    for (int i = 0; i < columns; ++i) row.push_back(cell(statement, i));
  }
}

SqlValue SqliteConnection::cell(sqlite3_stmt* statement, int column) const {
  const auto size = [&] {
    return static_cast<std::size_t>(library().column_bytes(statement, column));
  };
  switch (library().column_type(statement, column)) {
    case SQLITE_INTEGER: return std::int64_t{library().column_int64(statement, column)};
    case SQLITE_FLOAT: return library().column_double(statement, column);
    case SQLITE_TEXT: {
      const auto* const text =
          reinterpret_cast<const char*>(library().column_text(statement, column));
      return to_valid_utf8(text == nullptr ? std::string_view() : std::string_view(text, size()));
    }
    case SQLITE_BLOB: {
      const auto* const data =
          static_cast<const std::byte*>(library().column_blob(statement, column));
      return data == nullptr ? Buffer() : Buffer(data, data + size());
    }
    default: return std::monostate();
  }
}

bool SqliteConnection::take_back(std::chrono::milliseconds age) {
  if (!since_ || Deadline::Clock::now() - *since_ < age) return false;
  end_ = Deadline::in(kLongestStatement);
  stopped_ = nullptr;
  const bool done = database_->execute("ROLLBACK").ok();
  library().busy_timeout(database_->connection(), 0);
  if (!done) return false;
  since_.reset();
  return taken_back_ = true;
}

Error SqliteConnection::error(int code) const {
  const auto told = [this] { return std::string(library().errmsg(database_->connection())); };
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      return {ErrorKind::deadline_exceeded, stopped_ == nullptr ? "interrupted" : stopped_};
    case SQLITE_AUTH: return {ErrorKind::invalid_argument, refused_ + " is not offered here"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {ErrorKind::unavailable, kLocked};
    case SQLITE_FULL: return {ErrorKind::resource_exhausted, "the database is full"};
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_SCHEMA:
    case SQLITE_TOOBIG: return {ErrorKind::invalid_argument, to_valid_utf8(told())};
    default: return database_->error(code);
  }
}

}  // namespace

Result<std::unique_ptr<Connection>> connect_sqlite(const std::filesystem::path& file, Bytes limit) {
  auto library = TRY(SqliteLibrary::load());
  auto connection =
      std::make_unique<SqliteConnection>(TRY(Database::open(std::move(library), file)));
  const Result<> ready = connection->make_ready(limit);
  if (ready.ok()) return std::unique_ptr<Connection>(std::move(connection));
  if (ready.error().kind() != ErrorKind::unavailable) return fail(ready.error());
  return fail(ErrorKind::unavailable, kLocked);
}

}  // namespace quern::store
