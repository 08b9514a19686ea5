#include "store/sqlite_database.hpp"

#include "base/unique_fd.hpp"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace quern::store {
namespace {

bool is_locked(int code) { return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED; }

ErrorKind kind_of(int code) {
  if (is_locked(code)) return ErrorKind::unavailable;
  switch (code & 0xff) {
    case SQLITE_FULL: return ErrorKind::resource_exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorKind::corrupt_data;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH: return ErrorKind::permission_denied;
    case SQLITE_TOOBIG: return ErrorKind::invalid_argument;
    default: return ErrorKind::internal;
  }
}

// SQLite would make it readable for everybody. It must not be opened and closed here when it is
// there already: that gives up the locks that other connections of this process have on it.
Result<> make_file(const std::filesystem::path& file) {
  const UniqueFd fd(::open(file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  if (fd.get() >= 0 || errno == EEXIST) return {};
  const ErrorKind kind = errno == ENOENT   ? ErrorKind::not_found
                         : errno == ENOSPC ? ErrorKind::resource_exhausted
                                           : ErrorKind::permission_denied;
  return fail(kind, "the store " + file.string() + " cannot be made: " +
                        std::error_code(errno, std::generic_category()).message());
}

}  // namespace

void Patience::learn(int code) { in_vain_ = is_locked(code); }

Query::~Query() {
  database_.library().reset(statement_);
  database_.library().clear_bindings(statement_);
}

Query& Query::bind(std::string_view text) {
  const int code = database_.library().bind_text64(statement_, ++bound_, text.data(), text.size(),
                                                   SQLITE_STATIC, SQLITE_UTF8);
  if (code != SQLITE_OK) problem_ = code;
  return *this;
}

Query& Query::bind(ByteView blob) {
  // No bytes are a null pointer, which would be NULL.
  const void* const data = blob.empty() ? "" : static_cast<const void*>(blob.data());
  const int code =
      database_.library().bind_blob64(statement_, ++bound_, data, blob.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) problem_ = code;
  return *this;
}

Query& Query::bind(std::uint64_t number) {
  const int code =
      database_.library().bind_int64(statement_, ++bound_, static_cast<std::int64_t>(number));
  if (code != SQLITE_OK) problem_ = code;
  return *this;
}

Result<bool> Query::next() {
  if (problem_ != SQLITE_OK) return fail(database_.error(problem_));
  const int code = database_.step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(database_.error(code));
}

Result<> Query::run() {
  while (TRY(next())) continue;
  return {};
}

ByteView Query::bytes(int column) const {
  const auto* const data =
      static_cast<const std::byte*>(database_.library().column_blob(statement_, column));
  const int size = database_.library().column_bytes(statement_, column);
  return data == nullptr ? ByteView() : ByteView(data, static_cast<std::size_t>(size));
}

std::uint64_t Query::number(int column) const {
  return static_cast<std::uint64_t>(database_.library().column_int64(statement_, column));
}

Result<std::unique_ptr<Database>> Database::open(std::shared_ptr<const SqliteLibrary> library,
                                                 std::filesystem::path file) {
  TRY(make_file(file));
  sqlite3* connection = nullptr;
  const int code = library->open_v2(file.c_str(), &connection,
                                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  // There is a connection to close, and to ask what went wrong, after a failure too.
  std::unique_ptr<Database> database(new Database(std::move(library), connection, std::move(file)));
  if (code != SQLITE_OK) return fail(database->error(code));
  return database;
}

Database::~Database() {
  for (sqlite3_stmt* const statement : statements_) library_->finalize(statement);
  library_->close_v2(connection_);
}

template <class Call>
int Database::with(Patience& patience, const Call& call) {
  library_->busy_timeout(connection_, patience.wait_ms());
  const int code = call();
  patience.learn(code);
  return code;
}

int Database::step(sqlite3_stmt* statement) {
  return with(reading_, [&] { return library_->step(statement); });
}

Result<> Database::execute(const std::string& sql) {
  const int code = with(reading_, [&] {
    return library_->exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  });
  if (code == SQLITE_OK) return {};
  return fail(error(code));
}

Result<std::uint64_t> Database::number(std::string_view sql) {
  sqlite3_stmt* const statement = TRY(prepare(sql));
  const auto read = [&]() -> Result<std::uint64_t> {
    Query query(*this, statement);
    return TRY(query.next()) ? query.number(0) : 0;
  };
  const Result<std::uint64_t> number = read();
  statements_.pop_back();
  library_->finalize(statement);
  return number;
}

Result<sqlite3_stmt*> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  library_->busy_timeout(connection_, reading_.wait_ms());
  const int code = library_->prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  // Most are prepared without a look at the file: that it went well does not tell that it is free.
  if (is_locked(code)) reading_.learn(code);
  if (code != SQLITE_OK) return fail(error(code));
  statements_.push_back(statement);
  return statement;
}

Result<> Database::transaction(const std::function<Result<>()>& work) {
  const int begun = with(writing_, [&] {
    return library_->exec(connection_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  });
  if (begun != SQLITE_OK) return fail(error(begun));
  Result<> done = work();
  if (done.ok()) done = execute("COMMIT");
  if (!done.ok()) {
    // Where SQLite took it back by itself there is nothing left to take back.
    (void)execute("ROLLBACK");
  }
  return done;
}

Error Database::error(int code) const {
  if (is_locked(code)) {
    return {kind_of(code), "the store " + file_.string() +
                               " is locked by another process; it can be used when that is done"};
  }
  return {kind_of(code),
          "the store " + file_.string() + ": " + std::string(library_->errmsg(connection_))};
}

}  // namespace quern::store
