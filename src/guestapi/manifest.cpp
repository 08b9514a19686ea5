// A manifest in TOML 1.0 (https://toml.io/en/v1.0.0); our keys are in docs/formats/manifest.md.
//
// Strict: what is not known is refused with its line, because a misspelt grant that is silently
// ignored is found by nobody until production denies it.
#include "base/files.hpp"
#include "base/settings.hpp"
#include "base/text.hpp"
#include "guestapi/guestapi.hpp"
#include "guestapi/network_policy.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr Bytes kLargestManifest = 1_MiB;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

template <class Number>
Result<> read_number(Settings& settings, std::string_view key, Number& into) {
  constexpr auto kMost = std::min<std::uint64_t>(std::numeric_limits<Number>::max(),
                                                 std::numeric_limits<std::int64_t>::max());
  into = static_cast<Number>(TRY(settings.number_or(key, into, {.least = 1, .most = kMost})));
  return {};
}

Result<> read_limits(Settings& settings, Grants& grants) {
  wasm::Limits& limits = grants.limits;
  grants.store_limit = TRY(settings.bytes_or("store", grants.store_limit));
  limits.memory = TRY(settings.bytes_or("memory", limits.memory));
  limits.output = TRY(settings.bytes_or("output", limits.output));
  limits.wall = TRY(settings.duration_or("wall", limits.wall));
  limits.cpu = TRY(settings.duration_or("cpu", limits.cpu));
  TRY(read_number(settings, "table_elements", limits.table_elements));
  TRY(read_number(settings, "handles", limits.handles));
  return settings.finish();
}

Result<wasm::Directory> read_directory(Settings& settings) {
  wasm::Directory directory;
  directory.host = TRY(settings.text("host"));
  if (directory.host.empty()) return settings.wrong("host", "must not be empty");
  directory.guest = TRY(settings.text("guest"));
  const auto parts = split(directory.guest, '/');
  if (!directory.guest.starts_with('/') || std::ranges::count(parts, "..") > 0) {
    return settings.wrong("guest",
                          in_quotes(directory.guest) + " must begin with / and have no \"..\"");
  }
  const std::string access = TRY(settings.one_of("access", {"read", "read_write"}));
  if (access == "read_write") directory.access = wasm::Access::read_write;
  TRY(settings.finish());
  return directory;
}

Result<> read_env(Settings& settings, Grants& grants) {
  for (const std::string& name : TRY(settings.keys())) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos) {
      return settings.wrong(name, "is no name of a variable");
    }
    grants.env.emplace_back(name, TRY(settings.text(name)));
  }
  return {};
}

Result<> read_stores(Settings& settings, Grants& grants) {
  for (const std::string& label : TRY(settings.keys())) {
    auto store = parse_store(label, TRY(settings.text(label)));
    if (!store.ok()) return settings.wrong(label, store.error().describe());
    grants.stores.push_back(*std::move(store));
  }
  return {};
}

Result<> read_config(Settings& settings, Grants& grants) {
  for (const std::string& name : TRY(settings.keys())) {
    SecretSource source = TRY(settings.secret(name)).value();
    if (source.kind == SecretSource::Kind::text) {
      const Result<> set = set_config(grants, name, std::move(source.value));
      if (!set.ok()) return settings.wrong(name, set.error().describe());
      continue;
    }
    Secret secret{.name = name, .variable = {}, .file = {}};
    if (source.kind == SecretSource::Kind::variable) {
      secret.variable = std::move(source.value);
    } else {
      secret.file = std::move(source.value);
    }
    grants.secrets.push_back(std::move(secret));
  }
  return {};
}

// The table of this name to `read`, where there is one.
Result<> read_table(Settings& top, std::string_view name, Grants& grants,
                    Result<> (*read)(Settings&, Grants&)) {
  std::optional<Settings> table = TRY(top.table(name));
  return table ? read(*table, grants) : Result<>();
}

Result<Grants> read_grants(Settings& top) {
  Grants grants;
  grants.models = TRY(top.texts("models", [](const std::string& model) -> Result<> {
    if (!model.empty()) return {};
    return fail(ErrorKind::invalid_argument, "a model's name is empty");
  }));
  grants.net = TRY(top.texts("net", check_net_entry));
  grants.listen = TRY(top.texts("listen", check_listen_entry));
  TRY(read_number(top, "tokens", grants.tokens));
  grants.graphs = TRY(top.bytes_or("graphs", grants.graphs));
  for (Settings& files : TRY(top.tables("files"))) {
    grants.files.push_back(TRY(read_directory(files)));
  }
  TRY(read_table(top, "env", grants, read_env));
  TRY(read_table(top, "stores", grants, read_stores));
  TRY(read_table(top, "config", grants, read_config));
  TRY(read_table(top, "limits", grants, read_limits));
  TRY(top.finish());
  return grants;
}

}  // namespace

Result<Grants> parse_grants(std::string_view toml, std::string_view name) {
  Settings settings = TRY(Settings::parse(toml, std::string(name)));
  return read_grants(settings);
}

Result<Grants> load_grants(const std::filesystem::path& manifest) {
  RealFiles files;
  const Buffer text = TRY(files.read(manifest, kLargestManifest));
  Grants grants = TRY(parse_grants(as_text(text), manifest.string()));
  for (wasm::Directory& directory : grants.files) {
    directory.host = manifest.parent_path() / directory.host;  // an absolute one stays as it is
  }
  for (StoreGrant& store : grants.stores) {
    if (!store.place.file.empty()) store.place.file = manifest.parent_path() / store.place.file;
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
                in_quotes(place) +
                    " is neither a store's name (a-z, 0-9, \"-\", \"_\", \".\") nor a path (with "
                    "a \"/\": \"./shop.db\")");
  }
  return grant;
}

}  // namespace quern::guestapi
