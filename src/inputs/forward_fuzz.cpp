// What a peer of Forward sends, in pieces: found, read, unpacked, given.
#include "base/check.hpp"

#include "inputs/forward_handshake.hpp"
#include "inputs/forward_message.hpp"
#include "inputs/message_scanner.hpp"
#include "logs/msgpack.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  ByteView bytes = std::as_bytes(std::span(data, size));
  static const inputs::ForwardSecrets secrets{
      .shared_key = "key", .users = {{"a", "b"}}, .own_name = "here"};
  (void)inputs::ForwardHandshake(secrets).check(bytes);
  inputs::MessageScanner scanner(64_KiB);
  for (std::size_t seen = 0; seen <= bytes.size(); seen += 1 + seen / 4) {
    const auto end = scanner.find_end(bytes.first(seen));
    if (!end.ok()) break;
    if (!*end) continue;
    const ByteView whole = bytes.first(**end);
    logs::msgpack::Reader reader(whole);
    if (const auto object = reader.skip(); object.ok())
      CHECK(object->size() == whole.size(), "scanner and reader see different ends");
    auto message = inputs::parse_forward(whole);
    if (message.ok() && *message && inputs::unpack_entries(**message, 1_MiB).ok())
      (void)inputs::each_batch(**message, [](const logs::Batch&) { return Result<>(); });
    bytes = bytes.subspan(whole.size());
    seen = 0;
  }
  return 0;
}
