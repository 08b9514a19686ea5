#include "assets.hpp"

#include "http.hpp"

#include <string>

namespace quern::chat {
namespace {

// The page gets nothing but its own files and this server. Model output is shown in it.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types dompurify";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Calls `visit` for each element of a comma-separated header until it says true.
template <class Visit>
bool any_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (visit(trimmed(list.substr(0, comma)))) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// Does Accept-Encoding name this coding without forbidding it by "q=0"?
bool accepts(std::string_view header, std::string_view coding) {
  return any_element(header, [&](std::string_view element) {
    const std::size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view quality =
        trimmed(element.substr(std::min(semicolon + 1, element.size())));
    const bool forbidden = quality == "q=0" || quality == "q=0.0";
    return trimmed(element.substr(0, semicolon)) == coding && !forbidden;
  });
}

bool is_known_to_client(const Request& request, std::string_view etag) {
  return any_element(request.header("if-none-match"), [&](std::string_view known) {
    if (known.starts_with("W/")) known.remove_prefix(2);
    return known == etag || known == "*";
  });
}

struct Variant {
  std::string_view bytes;
  std::string_view coding;  // empty: plain
};

Variant choose(const Asset& asset, std::string_view accept_encoding) {
  if (!asset.brotli.empty() && accepts(accept_encoding, "br")) return {asset.brotli, "br"};
  if (!asset.gzip.empty() && accepts(accept_encoding, "gzip")) return {asset.gzip, "gzip"};
  return {asset.plain, ""};
}

}  // namespace

const Asset* find_asset(std::span<const Asset> assets, std::string_view path) {
  if (path == "/") path = "/index.html";
  for (const Asset& asset : assets) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

Response serve_asset(const Asset& asset, const Request& request) {
  const Variant variant = choose(asset, request.header("accept-encoding"));
  Response response;
  // Weak: the same file in another coding is another sequence of bytes with the same meaning.
  response.headers = {
      {"etag", "W/" + std::string(asset.etag)},
      {"cache-control", asset.hashed_name ? "public, max-age=31536000, immutable" : "no-cache"},
      {"vary", "accept-encoding"},
      {"content-security-policy", std::string(kContentSecurityPolicy)},
      {"x-content-type-options", "nosniff"},
      {"referrer-policy", "no-referrer"},
      {"cross-origin-opener-policy", "same-origin"},
      {"cross-origin-resource-policy", "same-origin"},
  };
  if (is_known_to_client(request, asset.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("content-type", asset.content_type);
  if (!variant.coding.empty()) response.headers.emplace_back("content-encoding", variant.coding);
  response.body = variant.bytes;
  return response;
}

}  // namespace quern::chat
