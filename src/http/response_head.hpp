// The head of a response as text, and what it promises about the body.
#pragma once

#include "http/http.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quern::http {

// What the request allows.
struct ResponseContext {
  bool http_1_1 = true;
  bool is_head = false;
  bool keep_alive = true;
  std::string_view date;
  std::string id;  // x-request-id, where the handler names none
};

// How the body goes out.
struct Framing {
  bool body_allowed = true;  // false: HEAD, 204, 304; chunks are dropped
  bool chunked = false;
  bool keep_alive = true;               // false: the connection ends with the response
  std::optional<std::uint64_t> length;  // bytes that the head promised
};

std::string_view reason_phrase(std::uint16_t status);

// Appends status line and fields to `out`. Fields that belong to the connection (Connection,
// Transfer-Encoding, Keep-Alive ...) are this function's alone; "connection: close" is obeyed.
// nullopt, and nothing appended: a status outside 200-599 or a field that would break the form.
std::optional<Framing> append_head(std::string& out, std::uint16_t status, const Headers& headers,
                                   const ResponseContext& context);

// A small complete text response that ends the connection.
std::string final_response(std::uint16_t status, std::string_view why,
                           const ResponseContext& context);

// A chunk of the chunked coding; nothing for an empty one, which would mean the end.
void append_chunk(std::string& out, std::string_view bytes);

}  // namespace quern::http
