// RFC 3986 as far as http needs it (https://www.rfc-editor.org/rfc/rfc3986).
#include "http/url.hpp"

#include "base/host_port.hpp"
#include "base/text.hpp"

#include <algorithm>

namespace quern::http {
namespace {

Failure bad_url(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument,
              "\"" + printable(text, 200) + "\" is not a URL to fetch: " + std::string(why));
}

std::uint16_t default_port(bool tls) { return tls ? 443 : 80; }

// "host", "host:port", "[v6]", "[v6]:port" into url.
Result<> read_authority(std::string_view text, std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) return bad_url(text, "a user name in it");
  const auto parts = split_host_port(authority);
  if (!parts.ok()) return bad_url(text, "an IPv6 address without brackets");
  const std::string_view host = without_brackets(parts->host);
  if (host.empty()) return bad_url(text, "no host");
  if (host.find_first_of("[]") != std::string_view::npos)
    return bad_url(text, "a bracket too many");
  url.host = to_lower(host);
  url.port = default_port(url.tls);
  if (!parts->port.empty()) url.port = TRY(parse_number<std::uint16_t>(parts->port));
  return {};
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  const bool clean = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '\\';
  });
  if (!clean) return bad_url(text, "blanks or control characters");
  const std::size_t mark = text.find("://");
  if (mark == std::string_view::npos) return bad_url(text, "no http:// or https://");
  Url url;
  const std::string scheme = to_lower(text.substr(0, mark));
  if (scheme != "http" && scheme != "https") return bad_url(text, "neither http nor https");
  url.tls = scheme == "https";
  std::string_view rest = text.substr(mark + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t path = std::min(rest.find_first_of("/?"), rest.size());
  TRY(read_authority(text, rest.substr(0, path), url));
  url.target = rest.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

Result<Url> Url::resolve(std::string_view location) const {
  const std::string_view place = trim(location);
  if (place.find("://") < place.find_first_of("/?#")) return parse(place);
  if (place.starts_with("//")) return parse((tls ? "https:" : "http:") + std::string(place));
  const std::string origin = (tls ? "https://" : "http://") + host_and_port();
  if (place.starts_with('/')) return parse(origin + std::string(place));
  const std::string path = target.substr(0, target.find('?'));
  if (place.starts_with('?')) return parse(origin + path + std::string(place));
  return parse(origin + path.substr(0, path.rfind('/') + 1) + std::string(place));
}

std::string Url::authority() const {
  return port == default_port(tls) ? in_brackets(host) : host_and_port();
}

std::string Url::host_and_port() const { return in_brackets(host) + ":" + std::to_string(port); }

std::string Url::to_string() const { return (tls ? "https://" : "http://") + authority() + target; }

}  // namespace quern::http
