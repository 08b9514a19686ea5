// The page: static files that were put into this program when it was built.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace quern::chat {

struct Request;
struct Response;

// One file, in every encoding that was prepared for it. Empty `gzip` or `brotli`: not prepared.
struct Asset {
  std::string_view path;  // "/index.html"
  std::string_view content_type;
  std::string_view etag;     // with its quotes; of the plain bytes
  bool hashed_name = false;  // its name changes with its content: may be kept for ever
  std::string_view plain;
  std::string_view gzip;
  std::string_view brotli;
};

// The file at this path ("/" is "/index.html"), or null.
const Asset* find_asset(std::span<const Asset> assets, std::string_view path);

// Answers GET and HEAD, with 304 when the client holds it already.
Response serve_asset(const Asset& asset, const Request& request);

}  // namespace quern::chat
