// Fuzzes what a server may answer to a download: heads, chunks, bodies, redirects.
//
// The first byte says how the rest is cut into pieces, as a network would. Whatever the cut, a
// message that is whole must be the same as when it comes at once.
#include "http/response_parser.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using quern::http::ResponseParser;

// The message as text, up to its end; "" when it is refused or not whole.
std::string parse(std::string_view input, std::size_t piece, ResponseParser::Body expected) {
  ResponseParser parser(expected);
  std::string body;
  const ResponseParser::Sink keep = [&](quern::ByteView bytes) -> quern::Result<> {
    body += quern::as_text(bytes);
    return {};
  };
  std::string held;
  while (!input.empty() && !parser.is_done()) {
    held += input.substr(0, piece);
    input.remove_prefix(std::min(piece, input.size()));
    for (bool moved = true; moved && !parser.is_done();) {
      const auto used = parser.feed(held, keep);
      if (!used.ok()) return {};
      if (*used > held.size()) std::abort();
      held.erase(0, *used);
      moved = *used > 0 && !held.empty();
    }
  }
  if (!parser.end_completes()) return {};
  const quern::http::ResponseHead& head = parser.head();
  return std::to_string(head.status) + "\n" + head.location + "\n" + head.content_type + "\n" +
         head.content_range + "\n" + std::to_string(head.content_length.value_or(0)) + "\n" + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto expected =
      (data[0] & 0x80U) != 0 ? ResponseParser::Body::none : ResponseParser::Body::expected;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (parse(input, input.size(), expected) != parse(input, 1U + data[0] % 32U, expected)) {
    std::abort();
  }
  return 0;
}
