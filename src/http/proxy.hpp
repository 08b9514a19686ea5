// Which proxy a URL goes through, as the environment says: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY,
// NO_PROXY, upper or lower case.
#pragma once

#include "http/url.hpp"

#include <functional>
#include <optional>
#include <string>

namespace quern::http {

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  std::string authorization;  // "Basic ...", or empty
};

struct ProxySettings {
  std::string for_https;
  std::string for_http;
  std::string exceptions;  // NO_PROXY: "*", or hosts, domains (".example.org") and host:port

  static ProxySettings from_environment();
  // nullopt: go there directly. unsupported: a proxy that is not an http one.
  Result<std::optional<Proxy>> choose(const Url& url) const;
};

// The value of an environment variable; empty when not set.
std::string environment(const char* name);

}  // namespace quern::http
