// A manifest in TOML 1.0 (https://toml.io/en/v1.0.0); our keys are in docs/formats/manifest.md.
//
// Strict: what is not known is refused with its line, because a misspelt grant that is silently
// ignored is found by nobody until production denies it.
#include "base/duration.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "base/toml.hpp"
#include "guestapi/guestapi.hpp"
#include "guestapi/network_policy.hpp"

#include <algorithm>
#include <initializer_list>
#include <limits>

namespace quern::guestapi {
namespace {

constexpr Bytes kLargestManifest = 1_MiB;
constexpr std::size_t kMostEntries = 1000;  // of one list or table
constexpr std::size_t kLongestValue = 32 * 1024;

using Keys = std::initializer_list<std::string_view>;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string joined(const Keys& keys) {
  std::string text;
  for (const std::string_view key : keys) text += (text.empty() ? "" : ", ") + std::string(key);
  return text;
}

// One table of the manifest, read key by key. Every failure names file, line and key.
class Section {
 public:
  Section(const toml::table& table, std::string_view file, std::string_view name)
      : table_(table), file_(file), name_(name) {}

  Result<> allow(Keys keys) const {
    for (const auto& [key, value] : table_) {
      if (std::find(keys.begin(), keys.end(), key.str()) != keys.end()) continue;
      std::string text = "unknown key " + quoted(key.str()) + where();
      for (const std::string_view near : keys) {
        if (edit_distance(near, key.str()) <= 2) text += "; did you mean " + quoted(near) + "?";
      }
      return error(key.source(), text + "; allowed: " + joined(keys));
    }
    return {};
  }

  const toml::node* find(std::string_view key) const { return table_.get(key); }

  Result<> error(const toml::node& at, std::string_view key, const std::string& what) const {
    return error(at.source(), std::string(key) + where() + ": " + what);
  }

  // Hands the string under `key` to `use`; nothing when the key is absent.
  template <class Use>
  Result<> text(std::string_view key, Use use) const {
    const toml::node* const node = find(key);
    if (node == nullptr) return {};
    return text_of(*node, key, use);
  }

  template <class Use>
  Result<> texts(std::string_view key, Use use) const {
    const toml::node* const node = find(key);
    if (node == nullptr) return {};
    const toml::array* const list = node->as_array();
    if (list == nullptr) return error(*node, key, "must be a list of strings");
    if (list->size() > kMostEntries) return error(*node, key, "has more than 1000 entries");
    for (const toml::node& entry : *list) TRY(text_of(entry, key, use));
    return {};
  }

  template <class Number>
  Result<> number(std::string_view key, std::int64_t least, Number& into) const {
    const toml::node* const node = find(key);
    if (node == nullptr) return {};
    constexpr auto kMost = std::min<std::uint64_t>(std::numeric_limits<Number>::max(),
                                                   std::numeric_limits<std::int64_t>::max());
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < least || static_cast<std::uint64_t>(*value) > kMost) {
      return error(
          *node, key,
          "must be a whole number, " + std::to_string(least) + " to " + std::to_string(kMost));
    }
    into = static_cast<Number>(*value);
    return {};
  }

 private:
  template <class Use>
  Result<> text_of(const toml::node& node, std::string_view key, Use& use) const {
    const auto value = node.value_exact<std::string_view>();
    if (!value) return error(node, key, "must be a string");
    if (value->size() > kLongestValue) return error(node, key, "is longer than 32 KiB");
    if (value->find('\0') != std::string_view::npos) return error(node, key, "holds a zero byte");
    const Result<> used = use(*value);
    return used.ok() ? used : error(node, key, used.error().describe());
  }

  Result<> error(const toml::source_region& at, const std::string& what) const {
    return fail(ErrorKind::invalid_argument,
                std::string(file_) + ":" + std::to_string(at.begin.line) + ": " + what);
  }
  std::string where() const { return name_.empty() ? "" : " in [" + std::string(name_) + "]"; }

  const toml::table& table_;
  std::string_view file_;
  std::string_view name_;
};

Result<> read_bytes(const Section& section, std::string_view key, Bytes& into) {
  return section.text(key, [&](std::string_view value) -> Result<> {
    if (value.find_first_not_of("0123456789") == std::string_view::npos) {
      return fail(ErrorKind::invalid_argument, "needs a unit, as in \"256MiB\"");
    }
    into = TRY(parse_bytes(value));
    if (into.count > 0) return {};
    return fail(ErrorKind::invalid_argument, "must be more than nothing");
  });
}

Result<> read_duration(const Section& section, std::string_view key,
                       std::chrono::milliseconds& into) {
  return section.text(key, [&](std::string_view value) -> Result<> {
    into = TRY(parse_duration(value));
    return {};
  });
}

Result<> read_limits(const Section& section, Grants& grants) {
  wasm::Limits& limits = grants.limits;
  TRY(section.allow({"memory", "table_elements", "wall", "cpu", "handles", "output", "store"}));
  TRY(read_bytes(section, "store", grants.store_limit));
  TRY(read_bytes(section, "memory", limits.memory));
  TRY(read_bytes(section, "output", limits.output));
  TRY(read_duration(section, "wall", limits.wall));
  TRY(read_duration(section, "cpu", limits.cpu));
  TRY(section.number("table_elements", 1, limits.table_elements));
  return section.number("handles", 1, limits.handles);
}

Result<> check_guest_path(std::string_view path) {
  const auto parts = split(path, '/');
  const bool climbs = std::find(parts.begin(), parts.end(), "..") != parts.end();
  if (path.starts_with('/') && !climbs) return {};
  return fail(ErrorKind::invalid_argument, quoted(path) + " must begin with / and have no \"..\"");
}

Result<wasm::Directory> read_directory(const Section& section, const toml::table& table) {
  TRY(section.allow({"host", "guest", "access"}));
  wasm::Directory directory;
  for (const std::string_view key : {"host", "guest"}) {
    if (section.find(key) == nullptr) TRY(section.error(table, key, "is missing"));
  }
  TRY(section.text("host", [&](std::string_view path) -> Result<> {
    if (path.empty()) return fail(ErrorKind::invalid_argument, "must not be empty");
    directory.host = path;
    return {};
  }));
  TRY(section.text("guest", [&](std::string_view path) -> Result<> {
    directory.guest = path;
    return check_guest_path(path);
  }));
  TRY(section.text("access", [&](std::string_view access) -> Result<> {
    if (access == "read_write") directory.access = wasm::Access::read_write;
    if (access == "read" || access == "read_write") return {};
    return fail(ErrorKind::invalid_argument, "must be \"read\" or \"read_write\"");
  }));
  return directory;
}

Result<> read_files(const Section& top, std::string_view file, Grants& grants) {
  const toml::node* const node = top.find("files");
  if (node == nullptr) return {};
  const toml::array* const list = node->as_array();
  const bool tables = list != nullptr && std::all_of(list->begin(), list->end(),
                                                     [](const auto& e) { return e.is_table(); });
  if (!tables || list->size() > kMostEntries) {
    return top.error(*node, "files", "must be [[files]] tables with host, guest and access");
  }
  for (const toml::node& entry : *list) {
    const toml::table& table = *entry.as_table();
    grants.files.push_back(TRY(read_directory(Section(table, file, "files"), table)));
  }
  return {};
}

// The table of this name; null when there is none.
Result<const toml::table*> find_table(const Section& top, std::string_view name) {
  const toml::node* const node = top.find(name);
  if (node == nullptr) return nullptr;
  const toml::table* const table = node->as_table();
  if (table != nullptr && table->size() <= kMostEntries) return table;
  TRY(top.error(*node, name,
                "must be a table: [" + std::string(name) + "], then NAME = \"value\""));
  return nullptr;
}

Result<> read_env(const Section& top, std::string_view file, Grants& grants) {
  const toml::table* const table = TRY(find_table(top, "env"));
  if (table == nullptr) return {};
  const Section section(*table, file, "env");
  for (const auto& [key, value] : *table) {
    const std::string_view name = key.str();
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string_view::npos) {
      return section.error(value, name, "is no name of a variable");
    }
    TRY(section.text(name, [&](std::string_view text) -> Result<> {
      grants.env.emplace_back(name, text);
      return {};
    }));
  }
  return {};
}

Result<> read_stores(const Section& top, std::string_view file, std::string_view name,
                     std::vector<StoreGrant>& stores) {
  const toml::table* const table = TRY(find_table(top, name));
  if (table == nullptr) return {};
  const Section section(*table, file, name);
  for (const auto& [key, value] : *table) {
    const std::string_view label = key.str();
    TRY(section.text(label, [&](std::string_view place) -> Result<> {
      auto grant = parse_store(label, place);
      if (!grant.ok()) return fail(std::move(grant).error());
      stores.push_back(*std::move(grant));
      return {};
    }));
  }
  return {};
}

Result<Secret> read_secret(const Section& section, const toml::table& table,
                           std::string_view name) {
  Secret secret{.name = std::string(name), .variable = {}, .file = {}};
  TRY(section.allow({"env", "file"}));
  if (table.size() != 1) {
    TRY(section.error(table, name, "must be a string, { env = \"NAME\" } or { file = \"PATH\" }"));
  }
  const auto take = [](auto& into) {
    return [&into](std::string_view text) -> Result<> {
      if (text.empty()) return fail(ErrorKind::invalid_argument, "must not be empty");
      into = text;
      return {};
    };
  };
  TRY(section.text("env", take(secret.variable)));
  TRY(section.text("file", take(secret.file)));
  return secret;
}

Result<> read_config(const Section& top, std::string_view file, Grants& grants) {
  const toml::table* const table = TRY(find_table(top, "config"));
  if (table == nullptr) return {};
  const Section section(*table, file, "config");
  for (const auto& [key, value] : *table) {
    const std::string_view name = key.str();
    if (const toml::table* const source = value.as_table(); source != nullptr) {
      grants.secrets.push_back(TRY(read_secret(Section(*source, file, name), *source, name)));
      continue;
    }
    TRY(section.text(name, [&](std::string_view text) -> Result<> {
      return set_config(grants, name, std::string(text));
    }));
  }
  return {};
}

Result<Grants> read_grants(const toml::table& root, std::string_view file) {
  Grants grants;
  const Section top(root, file, "");
  TRY(top.allow({"models", "tokens", "graphs", "net", "listen", "files", "env", "stores",
                 "databases", "config", "limits"}));
  TRY(top.texts("models", [&](std::string_view model) -> Result<> {
    if (model.empty()) return fail(ErrorKind::invalid_argument, "a model's name is empty");
    grants.models.emplace_back(model);
    return {};
  }));
  TRY(top.texts("net", [&](std::string_view entry) -> Result<> {
    grants.net.emplace_back(entry);
    return check_net_entry(entry);
  }));
  TRY(top.texts("listen", [&](std::string_view entry) -> Result<> {
    grants.listen.emplace_back(entry);
    return check_listen_entry(entry);
  }));
  TRY(top.number("tokens", 1, grants.tokens));
  TRY(read_bytes(top, "graphs", grants.graphs));
  TRY(read_files(top, file, grants));
  TRY(read_env(top, file, grants));
  TRY(read_stores(top, file, "stores", grants.stores));
  TRY(read_stores(top, file, "databases", grants.databases));
  TRY(read_config(top, file, grants));
  if (const toml::node* const node = top.find("limits"); node != nullptr) {
    const toml::table* const table = node->as_table();
    if (table == nullptr) TRY(top.error(*node, "limits", "must be a table: [limits]"));
    TRY(read_limits(Section(*table, file, "limits"), grants));
  }
  return grants;
}

}  // namespace

Result<Grants> parse_grants(std::string_view toml, std::string_view name) {
  if (toml.size() > kLargestManifest.count) {
    return fail(
        ErrorKind::invalid_argument,
        std::string(name) + " is larger than a manifest may be, " + to_string(kLargestManifest));
  }
  const toml::parse_result parsed = toml::parse(toml, name);
  if (!parsed) {
    return fail(ErrorKind::invalid_argument,
                std::string(name) + ":" + std::to_string(parsed.error().source().begin.line) +
                    ": not TOML: " + std::string(parsed.error().description()));
  }
  return read_grants(parsed.table(), name);
}

Result<Grants> load_grants(const std::filesystem::path& manifest) {
  RealFiles files;
  const Buffer text = TRY(files.read(manifest, kLargestManifest));
  Grants grants = TRY(parse_grants(as_text(text), manifest.string()));
  for (wasm::Directory& directory : grants.files) {
    directory.host = manifest.parent_path() / directory.host;  // an absolute one stays as it is
  }
  for (std::vector<StoreGrant>* const stores : {&grants.stores, &grants.databases}) {
    for (StoreGrant& store : *stores) {
      if (!store.place.file.empty()) store.place.file = manifest.parent_path() / store.place.file;
    }
  }
  for (Secret& secret : grants.secrets) {
    if (!secret.file.empty()) secret.file = manifest.parent_path() / secret.file;
  }
  return grants;
}

Result<StoreGrant> parse_store(std::string_view label, std::string_view place) {
  constexpr std::size_t kLongestLabel = 256;
  StoreGrant grant{.label = std::string(label), .place = {}};
  if (label.empty() || label.size() > kLongestLabel) {
    return fail(ErrorKind::invalid_argument, "a store's label has 1 to 256 bytes");
  }
  if (place.find('/') != std::string_view::npos) {
    grant.place.file = place;
  } else if (store::is_store_name(place)) {
    grant.place.name = place;
  } else {
    return fail(ErrorKind::invalid_argument,
                quoted(place) +
                    " is neither a store's name (a-z, 0-9, \"-\", \"_\", \".\") nor a path (with "
                    "a \"/\": \"./shop.db\")");
  }
  return grant;
}

}  // namespace quern::guestapi
