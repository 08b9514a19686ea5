// https://docs.docker.com/reference/cli/docker/login/: "auths" holds an entry a registry, whose
// "auth" is base64 of "user:password".
#include "package/docker_config.hpp"

#include "base/base64.hpp"

#include <nlohmann/json.hpp>

namespace quern::package {
namespace {

using Json = nlohmann::json;

// "https://index.docker.io/v1/" means index.docker.io.
std::string_view host_of(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  return key.substr(0, key.find('/'));
}

std::string text_of(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<std::string> basic_of(const Json& entry) {
  const std::string auth = text_of(entry, "auth");
  const std::string user = text_of(entry, "username");
  if (auth.empty() && user.empty()) return std::string();
  if (auth.empty()) return "Basic " + to_base64(as_bytes(user + ":" + text_of(entry, "password")));
  const Buffer plain = TRY(from_base64(auth).context("docker's configuration, \"auth\""));
  if (as_text(plain).find(':') == std::string_view::npos) {
    return fail(ErrorKind::corrupt_data,
                "docker's configuration: \"auth\" is not \"user:password\"");
  }
  return "Basic " + to_base64(plain);
}

Failure in_a_helper(std::string_view registry, const std::string& helper) {
  return fail(ErrorKind::unsupported,
              "the sign-in for " + std::string(registry) + " is kept by docker-credential-" +
                  helper.substr(0, 64) +
                  ", and such programs are not asked; put it into \"auths\" of config.json");
}

}  // namespace

Result<std::string> sign_in_for(std::string_view docker_config, std::string_view registry) {
  if (docker_config.empty()) return std::string();
  const Json config = Json::parse(docker_config, nullptr, false);
  if (!config.is_object()) {
    return fail(ErrorKind::corrupt_data, "docker's configuration (config.json) is not JSON");
  }
  if (const auto auths = config.find("auths"); auths != config.end() && auths->is_object()) {
    for (const auto& [key, entry] : auths->items()) {
      if (host_of(key) != registry || !entry.is_object()) continue;
      std::string basic = TRY(basic_of(entry));
      if (!basic.empty()) return basic;
    }
  }
  const auto helpers = config.find("credHelpers");
  if (helpers != config.end() && helpers->is_object()) {
    const std::string helper = text_of(*helpers, std::string(registry).c_str());
    if (!helper.empty()) return in_a_helper(registry, helper);
  }
  const std::string store = text_of(config, "credsStore");
  const auto auths = config.find("auths");
  const bool known =
      auths != config.end() && auths->is_object() && auths->contains(std::string(registry));
  if (!store.empty() && known) return in_a_helper(registry, store);
  return std::string();
}

}  // namespace quern::package
