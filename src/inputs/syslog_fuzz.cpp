// A stream of syslog in pieces: the same messages, however it is cut.
#include "base/check.hpp"

#include "inputs/syslog_frames.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace {

std::vector<std::string> messages(quern::ByteView bytes, std::size_t piece) {
  quern::inputs::SyslogFrames frames(quern::Bytes{64});
  std::vector<std::string> all;
  const auto take = [&] {
    while (const auto message = frames.next()) all.emplace_back(*message);
  };
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    std::copy(part.begin(), part.end(), frames.room().begin());
    frames.filled(part.size());
    bytes = bytes.subspan(part.size());
    take();
  }
  (void)frames.room();
  frames.end();
  take();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const quern::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto whole = messages(bytes, 32 * 1024);
  CHECK(whole == messages(bytes, 7), "pieces change what is read");
  return 0;
}
