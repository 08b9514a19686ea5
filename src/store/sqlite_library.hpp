// SQLite, found at run time. Internal to store/.
//
// Linked in, it would be a third of a megabyte that most who run Quern never use, and most machines
// have it as a library of the system. So its functions are called through pointers, by the types
// that sqlite3.h gives them.
#pragma once

#include "base/result.hpp"

#include <sqlite3.h>

#include <memory>

namespace quern::store {

class SqliteLibrary {
 public:
  // unsupported when this machine has none, or one that lacks what is called.
  static Result<std::shared_ptr<const SqliteLibrary>> load();
  ~SqliteLibrary();
  SqliteLibrary(const SqliteLibrary&) = delete;
  SqliteLibrary& operator=(const SqliteLibrary&) = delete;

  decltype(&::sqlite3_bind_blob64) bind_blob64 = nullptr;
  decltype(&::sqlite3_bind_int64) bind_int64 = nullptr;
  decltype(&::sqlite3_bind_text64) bind_text64 = nullptr;
  decltype(&::sqlite3_busy_timeout) busy_timeout = nullptr;
  decltype(&::sqlite3_clear_bindings) clear_bindings = nullptr;
  decltype(&::sqlite3_close_v2) close_v2 = nullptr;
  decltype(&::sqlite3_column_blob) column_blob = nullptr;
  decltype(&::sqlite3_column_bytes) column_bytes = nullptr;
  decltype(&::sqlite3_column_int64) column_int64 = nullptr;
  decltype(&::sqlite3_errmsg) errmsg = nullptr;
  decltype(&::sqlite3_exec) exec = nullptr;
  decltype(&::sqlite3_finalize) finalize = nullptr;
  decltype(&::sqlite3_libversion) libversion = nullptr;
  decltype(&::sqlite3_open_v2) open_v2 = nullptr;
  decltype(&::sqlite3_prepare_v3) prepare_v3 = nullptr;
  decltype(&::sqlite3_reset) reset = nullptr;
  decltype(&::sqlite3_step) step = nullptr;

 private:
  explicit SqliteLibrary(void* handle) : handle_(handle) {}
  void* const handle_;
};

}  // namespace quern::store
