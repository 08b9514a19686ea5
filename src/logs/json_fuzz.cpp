// Text of a sender: what is JSON comes back as the same msgpack, what is none adds nothing.
#include "base/bytes.hpp"
#include "base/check.hpp"

#include "logs/json.hpp"
#include "logs/msgpack.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Buffer once;
  if (!logs::from_json(text, once).ok()) {
    CHECK(once.empty(), "something was added");
    return 0;
  }
  logs::msgpack::Reader reader(once);
  CHECK(reader.skip().ok() && reader.done(), "no msgpack");
  std::string json;
  CHECK(logs::msgpack::to_json(once, json).ok(), "no JSON again");
  Buffer twice;
  CHECK(logs::from_json(json, twice).ok(), "what was written is not read");
  std::string again;
  CHECK(logs::msgpack::to_json(twice, again).ok() && again == json, "it did not come back");
  return 0;
}
