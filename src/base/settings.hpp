// One table of a TOML file (https://toml.io/en/v1.0.0) that a person wrote, read key by key.
//
// Strict: every failure is invalid_argument and names file, line, table and key; a key that nobody
// asked for is refused by finish(), with the one that was perhaps meant.
//
//     Settings all = TRY(Settings::parse(text, "pipe.toml"));
//     for (Settings& input : TRY(all.tables("input"))) {
//       const std::string type = TRY(input.text("type"));
//       const Bytes limit = TRY(input.bytes_or("limit", 1_GiB));
//       TRY(input.finish());
//     }
//     TRY(all.finish());
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern {

// A secret as a file may name it: "text", { env = "NAME" } or { file = "PATH" }.
struct SecretSource {
  enum class Kind : std::uint8_t { text, variable, file };
  Kind kind = Kind::text;
  std::string value;
};

// Of one thread. Copies are the same table and remember together what was asked for. An entry of a
// list has at most 32 KiB, a list at most 1000 entries.
class Settings {
 public:
  // `file` is only for messages. A file has at most 1 MiB.
  static Result<Settings> parse(std::string_view toml, std::string file);

  bool has(std::string_view key) const;

  // Without `_or` the key must be there.
  Result<std::string> text(std::string_view key);
  Result<std::string> text_or(std::string_view key, std::string_view fallback);
  // One of `allowed`; absent: the first of them.
  Result<std::string> one_of(std::string_view key, std::initializer_list<std::string_view> allowed);
  // A list of strings, or one string; absent: empty. What `check` says of one is told with its
  // line.
  using Check = std::function<Result<>(const std::string&)>;
  Result<std::vector<std::string>> texts(std::string_view key, const Check& check = {});
  Result<bool> flag_or(std::string_view key, bool fallback);
  struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
  };
  Result<std::uint64_t> number_or(std::string_view key, std::uint64_t fallback, Range range);
  // A number with or without a point, within [least, most].
  Result<double> decimal_or(std::string_view key, double fallback, double least, double most);
  // "64 MiB": more than nothing, and the unit is a must.
  Result<Bytes> bytes_or(std::string_view key, Bytes fallback);
  // "500ms" (base/duration.hpp).
  Result<std::chrono::milliseconds> duration_or(std::string_view key,
                                                std::chrono::milliseconds fallback);
  Result<std::optional<SecretSource>> secret(std::string_view key);

  // [key]
  Result<std::optional<Settings>> table(std::string_view key);
  // [[key]], in the order of the file; absent: empty.
  Result<std::vector<Settings>> tables(std::string_view key);
  // [key] with NAME = "text" in it, by name; absent: empty.
  Result<std::vector<std::pair<std::string, std::string>>> pairs(std::string_view key);

  // What stands in this table, whatever it is; at most 1000 entries.
  Result<std::vector<std::string>> keys() const;

  // "pipe.toml:12: limit in [[input]] app: WHAT".
  Failure wrong(std::string_view key, std::string_view what) const;
  // Refuses what nobody asked for.
  Result<> finish() const;

  // How messages call this table ("[[input]] app"); by default as it stands in the file.
  void call(std::string name);
  // The same text for tables that say the same, wherever they stand and however they are laid out;
  // but for what stands under `without`.
  std::string canonical(std::initializer_list<std::string_view> without = {}) const;

 private:
  struct Table;
  explicit Settings(std::shared_ptr<Table> table) : table_(std::move(table)) {}

  std::shared_ptr<Table> table_;  // shared by copies, and by tables within for their file
};

}  // namespace quern
