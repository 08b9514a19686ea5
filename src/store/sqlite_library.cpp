#include "store/sqlite_library.hpp"

#include <dlfcn.h>

#include <string>

namespace quern::store {

Result<std::shared_ptr<const SqliteLibrary>> SqliteLibrary::load() {
  constexpr const char* kName = "libsqlite3.so.0";
  void* const handle = dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return fail(ErrorKind::unsupported,
                std::string("key-value stores are kept by SQLite, and this machine has no ") +
                    kName + " (Debian: apt install libsqlite3-0)");
  }
  const std::shared_ptr<SqliteLibrary> library(new SqliteLibrary(handle));
  std::string missing;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (function == nullptr) missing = name;
  };
  find(library->bind_blob64, "sqlite3_bind_blob64");
  find(library->bind_int64, "sqlite3_bind_int64");
  find(library->bind_text64, "sqlite3_bind_text64");
  find(library->busy_timeout, "sqlite3_busy_timeout");
  find(library->clear_bindings, "sqlite3_clear_bindings");
  find(library->close_v2, "sqlite3_close_v2");
  find(library->column_blob, "sqlite3_column_blob");
  find(library->column_bytes, "sqlite3_column_bytes");
  find(library->column_int64, "sqlite3_column_int64");
  find(library->errmsg, "sqlite3_errmsg");
  find(library->exec, "sqlite3_exec");
  find(library->finalize, "sqlite3_finalize");
  find(library->libversion, "sqlite3_libversion");
  find(library->open_v2, "sqlite3_open_v2");
  find(library->prepare_v3, "sqlite3_prepare_v3");
  find(library->reset, "sqlite3_reset");
  find(library->step, "sqlite3_step");
  if (missing.empty()) return std::shared_ptr<const SqliteLibrary>(library);
  return fail(ErrorKind::unsupported,
              std::string("this machine's ") + kName + " is too old: it has no " + missing);
}

SqliteLibrary::~SqliteLibrary() { dlclose(handle_); }

}  // namespace quern::store
