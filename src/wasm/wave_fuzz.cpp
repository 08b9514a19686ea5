// A type on the first line, a value below it: what is read can be written, and reads the same
// again.
#include "base/check.hpp"
#include "wasm/wave.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern::wasm;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  (void)find_function(text, "f");
  const auto type = parse_wit_type(text.substr(0, line));
  if (!type.ok()) return 0;
  const auto bytes = read_wave(*type, text.substr(line + 1));
  if (!bytes.ok()) return 0;
  const std::string written = write_wave(*type, *bytes);
  const auto again = read_wave(*type, written);
  CHECK(again.ok(), written);
  CHECK(write_wave(*type, *again) == written, written);
  return 0;
}
