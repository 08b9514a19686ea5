// Fuzzes what stands between the network and a handler: heads, fields, bodies, chunks.
//
// The first byte says how the rest is cut into pieces, as a network would. Whatever the cut, the
// outcome must be the same as that of the whole: a parser whose answer depends on how packets
// arrive is one that can be smuggled through.
#include "http/request_parser.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using quern::Buffer;
using quern::http::RequestHead;
using quern::http::RequestParser;

struct Outcome {
  std::string text;
  bool operator==(const Outcome&) const = default;
};

// Feeds `input` as pieces of `piece` bytes, for as many requests as are in it.
Outcome parse(std::string_view input, std::size_t piece) {
  RequestParser parser({.header = 4096, .body = 10'000});
  Outcome outcome;
  std::string held;
  Buffer body;
  const auto work = [&] {
    for (bool moved = true; moved && parser.state() != RequestParser::State::refused;) {
      std::size_t used = 0;
      if (parser.state() == RequestParser::State::head) {
        used = parser.read_head(held);
        if (parser.state() == RequestParser::State::head) return;
        if (parser.state() == RequestParser::State::refused) break;
        const RequestHead head = parser.take_head();
        outcome.text += head.method + " " + head.target + " " + head.authority + "\n";
        for (const auto& [name, value] : head.headers) outcome.text += name + "=" + value + "\n";
      } else if (parser.state() == RequestParser::State::body) {
        used = parser.read_body(held, body, 1000);
      }
      if (used > held.size()) std::abort();
      held.erase(0, used);
      moved = used > 0;
      if (parser.state() == RequestParser::State::complete) {
        outcome.text +=
            std::string(quern::as_text(body)) + (parser.keep_alive() ? "\n--\n" : "\n==\n");
        body.clear();
        parser.reset();
        moved = true;
      }
    }
  };
  while (!input.empty() && parser.state() != RequestParser::State::refused) {
    held += input.substr(0, piece);
    input.remove_prefix(std::min(piece, input.size()));
    work();
  }
  if (parser.state() == RequestParser::State::refused) outcome.text += "refused";
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = parse(input, input.size());
  const Outcome pieces = parse(input, 1U + data[0] % 32U);
  // A refusal may come before or after what precedes it is told, so only full outcomes compare.
  const bool both_refused = whole.text.ends_with("refused") && pieces.text.ends_with("refused");
  if (!both_refused && whole != pieces) std::abort();
  return 0;
}
