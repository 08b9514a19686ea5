#include "cli/grants.hpp"

#include "base/files.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <limits>

namespace quern::cli {
namespace {

// A person's own program on a person's own machine: roomier than a service's guest.
constexpr Bytes kMemory = 1_GiB;
constexpr milliseconds kNoLimit = std::chrono::hours(24 * 365);
// What a command prints goes where its user pointed it, and is no faster than that takes it.
constexpr Bytes kAnyOutput{std::numeric_limits<std::uint64_t>::max()};
// A 4B model on two cores makes 5 tokens a second, and a request may wait in line before it.
constexpr milliseconds kLongestAnswer = std::chrono::hours(24);

Result<std::pair<std::string, std::string>> parse_variable(const std::string& text,
                                                           const Process& process) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || text.empty()) {
    return fail(ErrorKind::invalid_argument, "--env \"" + text + "\": the name is missing");
  }
  if (equals != std::string::npos) {
    return std::pair(text.substr(0, equals), text.substr(equals + 1));
  }
  const std::optional<std::string> own = process.env(text);
  if (!own) {
    return fail(ErrorKind::invalid_argument,
                "--env " + text + ": the variable is not set here (write " + text + "=VALUE)");
  }
  return std::pair(text, *own);
}

Result<guestapi::StoreGrant> parse_store(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return fail(ErrorKind::invalid_argument, "--store \"" + text + "\" is not LABEL=PLACE");
  }
  return guestapi::parse_store(text.substr(0, equals), text.substr(equals + 1))
      .context("--store \"" + text + "\"");
}

Result<> add_config(guestapi::Grants& grants, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    // Not repeated: what was meant as the value may be a secret.
    return fail(ErrorKind::invalid_argument, "--config needs NAME=VALUE");
  }
  const std::string name = text.substr(0, equals);
  if (!is_utf8(name)) {
    return fail(ErrorKind::invalid_argument, "--config: the name is not UTF-8 text");
  }
  return guestapi::set_config(grants, name, text.substr(equals + 1)).context("--config " + name);
}

Result<> read_secrets(guestapi::Grants& grants, const Process& process) {
  RealFiles files;
  return guestapi::read_secrets(grants, process, files);
}

}  // namespace

Result<wasm::Directory> parse_directory(std::string_view text) {
  wasm::Directory directory{.host = {}, .guest = {}, .access = wasm::Access::read_write};
  std::string_view rest = text;
  for (const auto& [suffix, access] :
       {std::pair(std::string_view(":ro"), wasm::Access::read),
        std::pair(std::string_view(":rw"), wasm::Access::read_write)}) {
    if (rest.ends_with(suffix)) {
      rest.remove_suffix(suffix.size());
      directory.access = access;
      break;
    }
  }
  const std::size_t colons = rest.find("::");
  directory.host = std::string(rest.substr(0, colons));
  directory.guest = std::string(colons == std::string_view::npos ? rest : rest.substr(colons + 2));
  if (directory.host.empty() || directory.guest.empty()) {
    return fail(ErrorKind::invalid_argument,
                "--dir \"" + std::string(text) + "\" is not HOST[::GUEST][:ro]");
  }
  return directory;
}

guestapi::Grants chat_grants(const ServerOptions& options) {
  guestapi::Grants grants;
  grants.limits.wall = kLongestAnswer;
  if (options.allowed_origins.empty()) return grants;
  std::string origins;
  for (const std::string& origin : options.allowed_origins) {
    origins += (origins.empty() ? "" : ",") + origin;
  }
  grants.env = {{"QUERN_CORS_ORIGINS", origins}};
  return grants;
}

Result<guestapi::Grants> make_grants(const GrantOptions& options, Purpose purpose,
                                     const Process& process) {
  guestapi::Grants grants;
  if (options.manifest.empty() && purpose == Purpose::command) {
    grants.limits.memory = kMemory;
    grants.limits.wall = kNoLimit;
    grants.limits.cpu = kNoLimit;
    grants.limits.output = kAnyOutput;
  }
  if (!options.manifest.empty()) {
    grants = TRY(guestapi::load_grants(options.manifest));
  }
  for (const std::string& text : options.directories) {
    grants.files.push_back(TRY(parse_directory(text)));
  }
  for (const std::string& text : options.environment) {
    auto variable = TRY(parse_variable(text, process));
    std::erase_if(grants.env, [&](const auto& old) { return old.first == variable.first; });
    grants.env.push_back(std::move(variable));
  }
  for (const std::string& text : options.stores) {
    guestapi::StoreGrant store = TRY(parse_store(text));
    std::erase_if(grants.stores, [&](const auto& old) { return old.label == store.label; });
    grants.stores.push_back(std::move(store));
  }
  TRY(read_secrets(grants, process));
  for (const std::string& text : options.config) TRY(add_config(grants, text));
  grants.net.insert(grants.net.end(), options.net.begin(), options.net.end());
  grants.listen.insert(grants.listen.end(), options.listen.begin(), options.listen.end());
  grants.limits.memory = options.memory.value_or(grants.limits.memory);
  grants.limits.wall = options.timeout.value_or(grants.limits.wall);
  grants.limits.cpu = options.cpu.value_or(grants.limits.cpu);
  grants.graphs = options.graphs.value_or(grants.graphs);
  if (options.tokens > 0) grants.tokens = options.tokens;
  return grants;
}

}  // namespace quern::cli
