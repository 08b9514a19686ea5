// Feeds arbitrary bodies to every reader of requests. Whatever comes, the answer is a request or
// an error with a status, and the error's JSON is JSON.
#include "chat_request.hpp"
#include "completion_request.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

template <class T>
void check(const quern::chat::Outcome<T>& outcome) {
  if (outcome.has_value()) return;
  const auto& error = outcome.error();
  const auto json =
      quern::chat::Json::parse(quern::chat::to_json(error), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || error.status < 400 || error.message.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check(quern::chat::read_chat_request(body));
  check(quern::chat::read_completion_request(body));
  return 0;
}
