// A store as a table in an SQLite file of its own.
//
// Write-ahead log with full synchronisation (https://www.sqlite.org/wal.html): a change that was
// answered survives kill -9 and the loss of power, and readers do not wait for writers.
#include "base/files.hpp"

#include "store/check.hpp"
#include "store/sqlite_database.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace quern::store {
namespace {

// "Qern", in the file's head: it is ours.
constexpr std::uint64_t kApplicationId = 0x5165726e;
constexpr std::uint64_t kFormat = 2;
constexpr std::uint64_t kPageSize = 4096;
constexpr std::uint64_t kFewestPages = 16;  // an empty store has four

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  // Before anything else; again after an error.
  Result<> make_ready();
  // Another grant may allow more, or less.
  Result<> set_limit(Bytes limit);

  Result<std::optional<Buffer>> get(std::string_view key) override;
  Result<bool> exists(std::string_view key) override;
  Result<Page> keys(std::uint64_t begin, std::size_t most) override;
  Result<> write(const std::vector<Change>& changes) override;
  Result<> update(std::string_view key, const Update& change) override;

 private:
  Result<> prepare();
  Result<> apply(std::string_view key, const std::optional<Buffer>& value);
  // "is full" alone would leave it open what to do.
  Result<> explained(Result<> done) const;

  const std::unique_ptr<Database> database_;
  bool ready_ = false;
  Bytes limit_;
  sqlite3_stmt* get_ = nullptr;
  sqlite3_stmt* exists_ = nullptr;
  sqlite3_stmt* keys_ = nullptr;
  sqlite3_stmt* set_ = nullptr;
  sqlite3_stmt* delete_ = nullptr;
};

Result<> check_format(Database& database) {
  const std::uint64_t id = TRY(database.number("PRAGMA application_id"));
  const std::uint64_t format = TRY(database.number("PRAGMA user_version"));
  if (id == kApplicationId && format == kFormat) return {};
  if (id == kApplicationId) {
    return fail(ErrorKind::unsupported,
                database.file().string() + " is a store of format " + std::to_string(format) +
                    "; this program knows format " + std::to_string(kFormat));
  }
  if (id == 0 && TRY(database.number("SELECT count(*) FROM sqlite_schema")) == 0) return {};
  return fail(ErrorKind::corrupt_data,
              database.file().string() + " is a database of another program");
}

// Processes that begin at the same moment make it once.
Result<> make_table(Database& database) {
  return database.transaction([&]() -> Result<> {
    TRY(check_format(database));
    // AUTOINCREMENT: the number of the last row that was deleted is not given again, or a new key
    // would lie before the page that is listed next.
    TRY(
        database.execute("CREATE TABLE IF NOT EXISTS entries ("
                         "id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, value "
                         "BLOB NOT NULL) STRICT"));
    TRY(database.execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
    return database.execute("PRAGMA user_version = " + std::to_string(kFormat));
  });
}

Result<> SqliteStore::make_ready() {
  if (ready_) return {};
  TRY(check_format(*database_));
  TRY(
      database_->execute("PRAGMA trusted_schema = OFF;"
                         "PRAGMA journal_mode = WAL;"
                         "PRAGMA synchronous = FULL;"
                         "PRAGMA journal_size_limit = 4194304"));
  if (TRY(database_->number("PRAGMA application_id")) == 0) TRY(make_table(*database_));
  TRY(prepare());
  ready_ = true;
  return {};
}

Result<> SqliteStore::prepare() {
  const std::pair<sqlite3_stmt**, const char*> all[] = {
      {&get_, "SELECT value FROM entries WHERE key = ?"},
      {&exists_, "SELECT 1 FROM entries WHERE key = ?"},
      {&keys_, "SELECT id, key FROM entries WHERE id >= ? ORDER BY id LIMIT ?"},
      {&set_,
       "INSERT INTO entries (key, value) VALUES (?, ?) "
       "ON CONFLICT (key) DO UPDATE SET value = excluded.value"},
      {&delete_, "DELETE FROM entries WHERE key = ?"}};
  for (const auto& [statement, sql] : all) {
    if (*statement == nullptr) *statement = TRY(database_->prepare(sql));
  }
  return {};
}

Result<> SqliteStore::set_limit(Bytes limit) {
  if (limit == limit_) return {};
  const std::uint64_t pages = std::max(limit.count / kPageSize, kFewestPages);
  TRY(database_->execute("PRAGMA max_page_count = " + std::to_string(pages)));
  limit_ = limit;
  return {};
}

Result<std::optional<Buffer>> SqliteStore::get(std::string_view key) {
  TRY(check_key(key));
  Query query(*database_, get_);
  if (!TRY(query.bind(key).next())) return std::optional<Buffer>();
  const ByteView value = query.bytes(0);
  TRY(check_value(value));
  return std::optional(Buffer(value.begin(), value.end()));
}

Result<bool> SqliteStore::exists(std::string_view key) {
  TRY(check_key(key));
  return Query(*database_, exists_).bind(key).next();
}

Result<Page> SqliteStore::keys(std::uint64_t begin, std::size_t most) {
  // No row has such a number, and to SQLite it would be a negative one.
  if (begin > std::numeric_limits<std::int64_t>::max()) return Page{};
  Query query(*database_, keys_);
  query.bind(begin).bind(std::uint64_t{most} + 1);
  Page page;
  while (TRY(query.next())) {
    if (page.keys.size() == most) {
      page.next = query.number(0);
      break;
    }
    page.keys.emplace_back(as_text(query.bytes(1)));
  }
  return page;
}

Result<> SqliteStore::write(const std::vector<Change>& changes) {
  for (const Change& change : changes) TRY(check_change(change));
  return explained(database_->transaction([&]() -> Result<> {
    for (const Change& change : changes) TRY(apply(change.key, change.value));
    return {};
  }));
}

Result<> SqliteStore::update(std::string_view key, const Update& change) {
  TRY(check_key(key));
  return explained(database_->transaction([&]() -> Result<> {
    const std::optional<Buffer> now = TRY(get(key));
    const Buffer next = TRY(change(now));
    TRY(check_value(next));
    return apply(key, next);
  }));
}

Result<> SqliteStore::apply(std::string_view key, const std::optional<Buffer>& value) {
  if (!value) return Query(*database_, delete_).bind(key).run();
  return Query(*database_, set_).bind(key).bind(ByteView(*value)).run();
}

Result<> SqliteStore::explained(Result<> done) const {
  if (done.ok() || done.error().kind() != ErrorKind::resource_exhausted) return done;
  return fail(std::move(done).error().wrap("the store is full, or its disk; it may have " +
                                           to_string(limit_)));
}

class SqliteStores final : public Stores {
 public:
  explicit SqliteStores(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<Store*> open(const Place& place) override {
    const auto key = std::pair(place.name, place.file.string());
    auto found = stores_.find(key);
    if (found == stores_.end()) {
      const std::filesystem::path file = TRY(file_of(place));
      const auto sqlite = TRY(library());
      auto store = std::make_unique<SqliteStore>(TRY(Database::open(sqlite, file)));
      found = stores_.emplace(key, std::move(store)).first;
    }
    const Result<> ready = found->second->make_ready();
    if (!ready.ok()) {
      // One that is locked remembers that it was waited for; for any other the file is opened anew.
      if (ready.error().kind() != ErrorKind::unavailable) stores_.erase(found);
      return fail(ready.error());
    }
    TRY(found->second->set_limit(place.limit));
    return found->second.get();
  }

 private:
  Result<std::filesystem::path> file_of(const Place& place) const {
    if (!place.file.empty()) return place.file;
    if (!is_store_name(place.name)) {
      return fail(ErrorKind::invalid_argument, "\"" + place.name + "\" is no name of a store");
    }
    TRY(RealFiles().make_directories(folder_, 0700));
    return folder_ / (place.name + ".sqlite");
  }

  Result<std::shared_ptr<const SqliteLibrary>> library() {
    if (!library_) library_ = TRY(SqliteLibrary::load());
    return library_;
  }

  const std::filesystem::path folder_;
  std::shared_ptr<const SqliteLibrary> library_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<SqliteStore>> stores_;
};

}  // namespace

Result<std::string> sqlite_version() {
  const auto library = TRY(SqliteLibrary::load());
  return "SQLite " + std::string(library->libversion());
}

std::unique_ptr<Stores> make_sqlite_stores(std::filesystem::path folder) {
  return std::make_unique<SqliteStores>(std::move(folder));
}

}  // namespace quern::store
