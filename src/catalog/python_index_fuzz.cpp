// Fuzzes the page of a package index, in HTML and in JSON: a wheel that is found has an address and
// either no digest or one that is a digest.
#include "base/fakes.hpp"
#include "base/sha256.hpp"
#include "catalog/python_index.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  if (size < 1) return 0;
  FakeNetwork network;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  network.set(
      "https://index.test/simple/p/",
      {.body = text,
       .content_type = (data[0] & 1U) != 0 ? "application/vnd.pypi.simple.v1+json" : "text/html"});
  const auto wheel = catalog::find_wheel(network, "https://index.test/simple",
                                         {.package = "p", .version = "1", .member = "m"}, {});
  if (!wheel.ok()) return 0;
  if (wheel->url.find("://") == std::string::npos) std::abort();
  if (!wheel->digest.empty() && !is_digest(wheel->digest)) std::abort();
  return 0;
}
