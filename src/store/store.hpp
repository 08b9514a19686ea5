// store: key-value stores that outlive the program.
//
// For:     what guests keep under keys: values in SQLite (https://www.sqlite.org), one file a
//          store, or in memory for tests (fakes.hpp). Home of sqlite3.h; the library itself is
//          looked for at run time, so that who keeps nothing needs none.
// Refuses: grants and labels (guestapi decides who may open what), and queries.
// Owns:    a Stores owns its open stores; they are closed with it.
// Threads: every method may read and write the disk, and so block: one thread owns a Stores and all
//          that comes out of it. Several processes may use one store at the same time.
// Errors:  invalid_argument (an overlong key or value, a name that is none), resource_exhausted
//          (the store or the disk is full), unsupported (no SQLite on this machine), corrupt_data
//          (the file is no store), unavailable (another process has it locked), else internal.
//
// What a method has answered is on the disk: neither kill -9 nor the loss of power takes it back.
//
//     auto stores = make_sqlite_stores(home.data / "stores");
//     Store* const store = TRY(stores->open({.name = "shop", .limit = 1_GiB}));
//     TRY(store->write({{"visits", to_buffer("1")}}));
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::store {

inline constexpr std::size_t kLongestKey = 1024;  // bytes; it lies in the index as well
// A component's list of bytes takes forty times as much while it crosses.
inline constexpr Bytes kLargestValue = 1_MiB;

// Sets a key, or deletes it where there is no value.
struct Change {
  std::string key;
  std::optional<Buffer> value;
};

// Some of the keys, in the order in which they were first set.
struct Page {
  std::vector<std::string> keys;
  // Where the next page begins; absent: this was the last. A key that is set meanwhile is on a
  // later page, one that is deleted on none, and no other is missed or told twice.
  std::optional<std::uint64_t> next;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Result<std::optional<Buffer>> get(std::string_view key) = 0;
  virtual Result<bool> exists(std::string_view key) = 0;
  // From `begin` on (0: the first), at most `most` keys.
  virtual Result<Page> keys(std::uint64_t begin, std::size_t most) = 0;
  // All of the changes or none, in their order.
  virtual Result<> write(const std::vector<Change>& changes) = 0;
  // Reads a value and puts another in its place; nobody changes it in between. An error of `change`
  // leaves it as it was.
  using Update = std::function<Result<Buffer>(const std::optional<Buffer>& now)>;
  virtual Result<> update(std::string_view key, const Update& change) = 0;
};

// Which store, and how large it may become.
struct Place {
  std::string name;            // of a store among the others of this machine; see is_store_name()
  std::filesystem::path file;  // instead of a name: a file of its own, made when it is not there
  // Of all that lies in the file, the bookkeeping too; writing beyond is resource_exhausted.
  Bytes limit = 1_GiB;
};

// 1 to 64 of a-z, 0-9, "-", "_" and ".", the first a letter or digit: it becomes a file's name.
bool is_store_name(std::string_view name);

class Stores {
 public:
  virtual ~Stores() = default;
  // Valid as long as *this.
  virtual Result<Store*> open(const Place& place) = 0;
};

// "SQLite 3.40.1", of the one that stores would use; unsupported, saying what to install.
Result<std::string> sqlite_version();

// Named stores lie in `folder`, which is made when the first is opened, for this user alone.
std::unique_ptr<Stores> make_sqlite_stores(std::filesystem::path folder);

}  // namespace quern::store
