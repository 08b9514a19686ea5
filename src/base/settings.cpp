#include "base/settings.hpp"

#include "base/duration.hpp"
#include "base/text.hpp"
#include "base/toml.hpp"

#include <algorithm>
#include <set>
#include <sstream>

namespace quern {
namespace {

constexpr Bytes kLargestFile = 1_MiB;
constexpr std::size_t kMostEntries = 1000;
constexpr std::size_t kLongestValue = 32 * 1024;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Failure at_line(std::string_view file, const toml::source_region& at, std::string_view what) {
  return fail(ErrorKind::invalid_argument,
              std::string(file) + ":" + std::to_string(at.begin.line) + ": " + std::string(what));
}

std::string joined(std::initializer_list<std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) text += (text.empty() ? "" : ", ") + quoted(word);
  return text;
}

}  // namespace

struct Settings::Table {
  std::shared_ptr<const toml::table> root;  // keeps `self` alive
  const toml::table* self = nullptr;
  std::string file;
  std::string name;  // "" for the file itself
  std::set<std::string, std::less<>> asked;

  // Remembers that `key` was asked for; null when it is absent.
  const toml::node* ask(std::string_view key) {
    asked.emplace(key);
    return self->get(key);
  }
  Failure wrong(const toml::node& at, std::string_view key, std::string_view what) const {
    const std::string where = name.empty() ? "" : " in " + name;
    return at_line(file, at.source(), std::string(key) + where + ": " + std::string(what));
  }
  Result<std::string> text_of(const toml::node& node, std::string_view key) const {
    const auto value = node.value_exact<std::string>();
    if (!value) return wrong(node, key, "must be a string");
    if (value->size() > kLongestValue) return wrong(node, key, "is longer than 32 KiB");
    if (value->find('\0') != std::string::npos) return wrong(node, key, "holds a zero byte");
    return *value;
  }
  Settings within(const toml::table& table, std::string inner) const {
    auto made = std::make_shared<Table>();
    made->root = root;
    made->self = &table;
    made->file = file;
    made->name = std::move(inner);
    return Settings(std::move(made));
  }
};

Result<Settings> Settings::parse(std::string_view toml, std::string file) {
  if (toml.size() > kLargestFile.count) {
    return fail(ErrorKind::invalid_argument, file + " is larger than 1 MiB");
  }
  toml::parse_result parsed = toml::parse(toml);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return at_line(file, error.source(), "not TOML: " + std::string(error.description()));
  }
  auto root = std::make_shared<const toml::table>(std::move(parsed).table());
  auto table = std::make_shared<Table>();
  table->self = root.get();
  table->root = std::move(root);
  table->file = std::move(file);
  return Settings(std::move(table));
}

bool Settings::has(std::string_view key) const { return table_->self->contains(key); }

Result<std::string> Settings::text(std::string_view key) {
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return wrong(key, "is missing");
  return table_->text_of(*node, key);
}

Result<std::string> Settings::text_or(std::string_view key, std::string_view fallback) {
  if (table_->ask(key) == nullptr) return std::string(fallback);
  return text(key);
}

Result<std::string> Settings::one_of(std::string_view key,
                                     std::initializer_list<std::string_view> allowed) {
  std::string value = TRY(text_or(key, *allowed.begin()));
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return value;
  return wrong(key, "is " + quoted(value) + ", must be one of " + joined(allowed));
}

Result<std::vector<std::string>> Settings::texts(std::string_view key, const Check& check) {
  std::vector<std::string> all;
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return all;
  const auto take = [&](const toml::node& entry) -> Result<> {
    all.push_back(TRY(table_->text_of(entry, key)));
    if (!check) return {};
    const Result<> right = check(all.back());
    return right.ok() ? right : table_->wrong(entry, key, right.error().describe());
  };
  const toml::array* const list = node->as_array();
  if (list == nullptr) {
    if (!node->is_string()) return wrong(key, "must be a list of strings");
    TRY(take(*node));
    return all;
  }
  if (list->size() > kMostEntries) return wrong(key, "has more than 1000 entries");
  for (const toml::node& entry : *list) TRY(take(entry));
  return all;
}

Result<bool> Settings::flag_or(std::string_view key, bool fallback) {
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<bool>();
  if (!value) return wrong(key, "must be true or false");
  return *value;
}

Result<std::uint64_t> Settings::number_or(std::string_view key, std::uint64_t fallback,
                                          Range range) {
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return fallback;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= 0 && static_cast<std::uint64_t>(*value) >= range.least &&
      static_cast<std::uint64_t>(*value) <= range.most) {
    return static_cast<std::uint64_t>(*value);
  }
  return wrong(key, "must be a whole number, " + std::to_string(range.least) + " to " +
                        std::to_string(range.most));
}

Result<double> Settings::decimal_or(std::string_view key, double fallback, double least,
                                    double most) {
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return fallback;
  const auto value = node->value<double>();
  if (value && node->is_number() && *value >= least && *value <= most) return *value;
  std::ostringstream range;
  range << "must be a number, " << least << " to " << most;
  return wrong(key, range.str());
}

Result<Bytes> Settings::bytes_or(std::string_view key, Bytes fallback) {
  if (table_->ask(key) == nullptr) return fallback;
  const std::string value = TRY(text(key));
  if (value.find_first_not_of("0123456789") == std::string::npos) {
    return wrong(key, "needs a unit, as in \"256 MiB\"");
  }
  const Result<Bytes> bytes = parse_bytes(value);
  if (!bytes.ok()) return wrong(key, bytes.error().message());
  if (bytes->count == 0) return wrong(key, "must be more than nothing");
  return *bytes;
}

Result<std::chrono::milliseconds> Settings::duration_or(std::string_view key,
                                                        std::chrono::milliseconds fallback) {
  if (table_->ask(key) == nullptr) return fallback;
  const auto duration = parse_duration(TRY(text(key)));
  if (!duration.ok()) return wrong(key, duration.error().message());
  return *duration;
}

Result<std::optional<SecretSource>> Settings::secret(std::string_view key) {
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return std::optional<SecretSource>();
  if (node->is_string()) return std::optional<SecretSource>({.value = TRY(text(key))});
  const toml::table* const source = node->as_table();
  if (source != nullptr && source->size() == 1) {
    const bool variable = source->contains("env");
    const toml::node* const value = source->get(variable ? "env" : "file");
    if (value != nullptr && value->is_string() && !value->ref<std::string>().empty()) {
      return std::optional<SecretSource>(
          {.kind = variable ? SecretSource::Kind::variable : SecretSource::Kind::file,
           .value = TRY(table_->text_of(*value, key))});
    }
  }
  return wrong(key, R"(must be a string, { env = "NAME" } or { file = "PATH" })");
}

Result<std::optional<Settings>> Settings::table(std::string_view key) {
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return std::optional<Settings>();
  const toml::table* const table = node->as_table();
  if (table == nullptr) return wrong(key, "must be a table: [" + std::string(key) + "]");
  return std::optional<Settings>(table_->within(*table, "[" + std::string(key) + "]"));
}

Result<std::vector<Settings>> Settings::tables(std::string_view key) {
  std::vector<Settings> all;
  const toml::node* const node = table_->ask(key);
  if (node == nullptr) return all;
  const std::string name = "[[" + std::string(key) + "]]";
  const toml::array* const list = node->as_array();
  if (list == nullptr) return wrong(key, "must be tables: " + name);
  if (list->size() > kMostEntries) return wrong(key, "has more than 1000 entries");
  for (const toml::node& entry : *list) {
    const toml::table* const table = entry.as_table();
    if (table == nullptr) return table_->wrong(entry, key, "must be tables: " + name);
    all.push_back(table_->within(*table, name));
  }
  return all;
}

Result<std::vector<std::pair<std::string, std::string>>> Settings::pairs(std::string_view key) {
  std::vector<std::pair<std::string, std::string>> all;
  const std::optional<Settings> found = TRY(table(key));
  if (!found) return all;
  for (std::string& name : TRY(found->keys())) {
    std::string value = TRY(found->table_->text_of(*found->table_->self->get(name), name));
    all.emplace_back(std::move(name), std::move(value));
  }
  return all;
}

Result<std::vector<std::string>> Settings::keys() const {
  std::vector<std::string> all;
  if (table_->self->size() > kMostEntries) {
    return at_line(table_->file, table_->self->source(),
                   table_->name + " has more than 1000 entries");
  }
  for (const auto& [name, value] : *table_->self) all.emplace_back(name.str());
  return all;
}

Failure Settings::wrong(std::string_view key, std::string_view what) const {
  const toml::node* const node = table_->self->get(key);
  return table_->wrong(node == nullptr ? *table_->self : *node, key, what);
}

Result<> Settings::finish() const {
  for (const auto& [key, value] : *table_->self) {
    if (table_->asked.contains(key.str())) continue;
    std::string near;
    std::string allowed;
    for (const std::string& known : table_->asked) {
      if (near.empty() && edit_distance(known, key.str()) <= 2)
        near = "; did you mean " + quoted(known) + "?";
      allowed += (allowed.empty() ? "" : ", ") + known;
    }
    const std::string where = table_->name.empty() ? "" : " in " + table_->name;
    return at_line(table_->file, key.source(),
                   "unknown key " + quoted(key.str()) + where + near + "; allowed: " + allowed);
  }
  return {};
}

void Settings::call(std::string name) { table_->name = std::move(name); }

std::string Settings::canonical(std::initializer_list<std::string_view> without) const {
  toml::table table = *table_->self;
  for (const std::string_view key : without) table.erase(key);
  std::ostringstream text;
  text << toml::json_formatter(table);
  return text.str();
}

}  // namespace quern
