// OpenVINO's own form of a graph (IR) is XML
// (https://docs.openvino.ai/2026/documentation/openvino-ir-format.html): a `net` of layers and
// edges; a loop's body is a `net` within a layer. The library reads bodies within bodies by calling
// itself, and its stack is the thread's: how deep a stranger's file goes is counted here first.
//
// Of XML this knows where elements begin and end: comments, character data, processing
// instructions and quoted values may hold a "<" or ">" that means nothing. Declarations of document
// types, of which IR has none, are refused.
#include "tensor/ir_bytes.hpp"

#include <string_view>

namespace quern::tensor {
namespace {

constexpr std::string_view kBlank = " \t\r\n";
constexpr std::string_view kRoot = "net";
constexpr std::string_view kLayer = "layer";
constexpr int kDeepest = 100;  // a body in a body is four levels

Failure malformed() { return fail(ErrorKind::corrupt_data, "these bytes are no OpenVINO IR"); }

// Takes what ends with `end` off the front.
Result<> skip_past(std::string_view& rest, std::string_view end) {
  const std::size_t at = rest.find(end);
  if (at == std::string_view::npos) return malformed();
  rest.remove_prefix(at + end.size());
  return {};
}

// Where the tag that begins here ends: the place of its ">".
Result<std::size_t> end_of_tag(std::string_view rest) {
  char quote = 0;
  for (std::size_t at = 0; at < rest.size(); ++at) {
    const char c = rest[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      return at;
    }
  }
  return malformed();
}

// Takes a comment, instruction or character data off the front, if one is there.
Result<bool> skip_what_is_no_tag(std::string_view& rest, int depth) {
  if (rest.starts_with("<!--")) {
    TRY(skip_past(rest, "-->"));
  } else if (rest.starts_with("<?")) {
    TRY(skip_past(rest, "?>"));
  } else if (depth > 0 && rest.starts_with("<![CDATA[")) {
    TRY(skip_past(rest, "]]>"));
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<std::uint64_t> check_ir_bytes(ByteView bytes) {
  std::string_view rest = as_text(bytes);
  std::uint64_t layers = 0;
  int depth = 0;
  bool begun = false;
  while (true) {
    const std::size_t text = depth == 0 ? rest.find_first_not_of(kBlank) : rest.find('<');
    if (text == std::string_view::npos && depth == 0 && begun) return layers;
    if (text == std::string_view::npos) return malformed();
    rest.remove_prefix(text);
    if (TRY(skip_what_is_no_tag(rest, depth))) continue;
    if (!rest.starts_with('<') || rest.starts_with("<!")) return malformed();
    const std::size_t end = TRY(end_of_tag(rest));
    const std::string_view tag = rest.substr(1, end - 1);
    const std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
    if (depth == 0 && (begun || name != kRoot)) return malformed();
    begun = true;
    if (name == kLayer) ++layers;
    if (tag.starts_with('/')) {
      --depth;
    } else if (!tag.ends_with('/')) {
      ++depth;
    }
    if (depth > kDeepest) return fail(ErrorKind::corrupt_data, "the graph is nested too deeply");
    rest.remove_prefix(end + 1);
  }
}

}  // namespace quern::tensor
