// The limits are checked by one pass over the raw bytes before anything is built. It knows only
// brackets, commas and strings; whether the text is JSON at all is the parser's matter.
#include "json_input.hpp"

#include <string>
#include <vector>

namespace quern::chat {
namespace {

ApiError not_json() { return bad_request("", "", "The body of the request is not valid JSON."); }

ApiError beyond(std::string_view what, std::size_t limit) {
  return bad_request("", "invalid_value",
                     "The JSON body has too many " + std::string(what) + ": at most " +
                         std::to_string(limit) + ".");
}

// The position of the quote that ends the string which begins at `start`, or the end of the text.
std::size_t end_of_string(std::string_view text, std::size_t start) {
  std::size_t i = start + 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return i;
}

class LimitCheck {
 public:
  Outcome<bool> run(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      switch (text[i]) {
        case '"': i = end_of_string(text, i); break;
        case '{':
        case '[':
          if (members_.size() == kMaxDepth) return fail(beyond("nested levels", kMaxDepth));
          members_.push_back({.object = text[i] == '{', .count = 1});
          break;
        case '}':
        case ']':
          if (!members_.empty()) members_.pop_back();
          break;
        case ',':
          if (++values_ > kMaxValues) return fail(beyond("values", kMaxValues));
          if (!members_.empty() && ++members_.back().count > kMaxKeys && members_.back().object) {
            return fail(beyond("keys in one object", kMaxKeys));
          }
          break;
        default: break;
      }
    }
    return true;
  }

 private:
  struct Level {
    bool object;
    std::size_t count;
  };
  std::vector<Level> members_;
  std::size_t values_ = 0;
};

}  // namespace

Outcome<Json> read_json_object(std::string_view body) {
  if (body.size() > kMaxBodyBytes) return fail(body_too_large(kMaxBodyBytes));
  CHAT_TRY(LimitCheck().run(body));
  Json parsed = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return fail(not_json());
  if (!parsed.is_object()) {
    return fail(bad_request("", "invalid_type", "The JSON body of the request is not an object."));
  }
  return parsed;
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace quern::chat
