// One SQLite file and its statements: what is called in C, as values and owners. Internal to
// store/.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include "store/sqlite_library.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::store {

class Database;

// How long a lock of another process is waited for. One thread serves everybody's stores: after a
// wait in vain nobody waits for this lock again until it was free once.
class Patience {
 public:
  int wait_ms() const { return in_vain_ ? 0 : kWaitMs; }
  // `code`: what SQLite answered after that wait.
  void learn(int code);

 private:
  static constexpr int kWaitMs = 200;  // another process's change takes some tens of these
  bool in_vain_ = false;
};

// A prepared statement in use: bound, stepped through, and reset at the end of the scope. What is
// bound must live until then.
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // In the order of the question marks.
  Query& bind(std::string_view text);
  Query& bind(ByteView blob);
  Query& bind(std::uint64_t number);

  // The next row; false when there is none.
  Result<bool> next();
  // Steps through all rows.
  Result<> run();
  // Of the row, from 0; valid until the next call of next().
  ByteView bytes(int column) const;
  std::uint64_t number(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* const statement_;
  int bound_ = 0;
  int problem_ = 0;  // of a bind
};

class Database {
 public:
  // Makes the file where there is none, for this user alone.
  static Result<std::unique_ptr<Database>> open(std::shared_ptr<const SqliteLibrary> library,
                                                std::filesystem::path file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // One or more statements without parameters; their rows are dropped.
  Result<> execute(const std::string& sql);
  // The first column of the first row.
  Result<std::uint64_t> number(std::string_view sql);
  // Owned by *this. Prepare once, use often: Query(database, statement).
  Result<sqlite3_stmt*> prepare(std::string_view sql);
  // Runs `work` with no writer beside it; its error takes back what it did.
  Result<> transaction(const std::function<Result<>()>& work);

  // Of a statement of prepare(): SQLite's code.
  int step(sqlite3_stmt* statement);

  const SqliteLibrary& library() const { return *library_; }
  const std::filesystem::path& file() const { return file_; }
  // What the library's code means.
  Error error(int code) const;

 private:
  Database(std::shared_ptr<const SqliteLibrary> library, sqlite3* connection,
           std::filesystem::path file)
      : library_(std::move(library)), connection_(connection), file_(std::move(file)) {}

  // Calls SQLite, which waits for locks as long as `patience` allows.
  template <class Call>
  int with(Patience& patience, const Call& call);

  const std::shared_ptr<const SqliteLibrary> library_;
  sqlite3* const connection_;
  const std::filesystem::path file_;
  std::vector<sqlite3_stmt*> statements_;
  // Readers wait for those who lock everybody out, writers for each other too.
  Patience reading_;
  Patience writing_;
};

}  // namespace quern::store
