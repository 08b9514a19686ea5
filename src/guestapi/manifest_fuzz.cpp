// Fuzzes manifests: grants, or an error that names the file.
#include "guestapi/guestapi.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  const auto grants = guestapi::parse_grants(
      std::string_view(reinterpret_cast<const char*>(data), size), "app.toml");
  if (!grants.ok() && grants.error().describe().find("app.toml") == std::string::npos) std::abort();
  return 0;
}
