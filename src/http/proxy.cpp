#include "http/proxy.hpp"

#include "base/base64.hpp"
#include "base/host_port.hpp"
#include "base/percent.hpp"
#include "base/text.hpp"

#include <cstdlib>

namespace quern::http {
namespace {

std::string first_of(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (std::string value = environment(name); !value.empty()) return value;
  }
  return {};
}

// Is this URL one that `exceptions` keeps from the proxy?
bool is_exception(std::string_view exceptions, const Url& url) {
  for (std::string_view item : split(exceptions, ',')) {
    item = trim(item);
    if (item.empty()) continue;
    if (item == "*") return true;
    // An IPv6 address is written without brackets, too; then it has no port.
    if (const auto parts = split_host_port(item); parts.ok()) {
      if (!parts->port.empty() && parts->port != std::to_string(url.port)) continue;
      item = without_brackets(parts->host);
    }
    if (item.starts_with("*.")) item.remove_prefix(1);
    std::string domain = to_lower(item);
    if (domain == url.host) return true;
    if (!domain.starts_with('.')) domain.insert(0, ".");
    if (url.host.ends_with(domain) || "." + url.host == domain) return true;
  }
  return false;
}

}  // namespace

std::string environment(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return value == nullptr ? std::string() : std::string(value);
}

ProxySettings ProxySettings::from_environment() {
  return {.for_https = first_of({"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}),
          .for_http = first_of({"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"}),
          .exceptions = first_of({"NO_PROXY", "no_proxy"})};
}

Result<std::optional<Proxy>> ProxySettings::choose(const Url& url) const {
  std::string setting = url.tls ? for_https : for_http;
  if (setting.empty() || is_exception(exceptions, url)) return std::optional<Proxy>();
  if (setting.find("://") == std::string::npos) setting.insert(0, "http://");
  Proxy proxy;
  const std::size_t begin = setting.find("://") + 3;
  const std::size_t end = std::min(setting.find('/', begin), setting.size());
  if (const std::size_t at = setting.rfind('@', end); at != std::string::npos && at >= begin) {
    proxy.authorization =
        "Basic " + to_base64(as_bytes(percent_decoded(setting.substr(begin, at - begin))));
    setting.erase(begin, at + 1 - begin);
  }
  if (!setting.starts_with("http://")) {
    return fail(ErrorKind::unsupported, "a proxy must be an http:// one; the environment names " +
                                            setting.substr(0, begin) + "...");
  }
  const Url place = TRY(Url::parse(setting).context("the proxy that the environment names"));
  proxy.host = place.host;
  proxy.port = place.port;
  return std::optional<Proxy>(std::move(proxy));
}

}  // namespace quern::http
