#include "base/unpack.hpp"

#include "base/check.hpp"

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace quern {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr std::size_t kTrailer = 4;
constexpr std::size_t kStep = std::size_t{64} << 10U;

struct EndInflate {
  void operator()(z_stream* stream) const noexcept { inflateEnd(stream); }
};

struct EndDeflate {
  void operator()(z_stream* stream) const noexcept { deflateEnd(stream); }
};

// The last four bytes: the last member's size, modulo 2^32. A hint; zlib checks it.
std::size_t promised_size(ByteView gzip) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < kTrailer && gzip.size() >= kTrailer; ++i) {
    size |= std::to_integer<std::size_t>(gzip[gzip.size() - kTrailer + i]) << (8 * i);
  }
  return size;
}

Failure too_large(Bytes limit) {
  return fail(ErrorKind::resource_exhausted, "what is packed holds more than " + to_string(limit));
}

}  // namespace

Result<Buffer> unpack(ByteView gzip, Bytes limit) {
  if (gzip.size() < 2 || gzip[0] != std::byte{0x1f} || gzip[1] != std::byte{0x8b})
    return fail(ErrorKind::corrupt_data, "what is packed is no gzip");
  const std::size_t size = promised_size(gzip);
  if (size > limit.count) {
    return too_large(limit);
  }
  z_stream stream{};
  // zlib does not write through next_in; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  if (inflateInit2(&stream, kGzipOnly) != Z_OK)
    return fail(ErrorKind::internal, "no memory to unpack");
  const std::unique_ptr<z_stream, EndInflate> end(&stream);
  Buffer content(std::max<std::size_t>(size, 1));
  for (std::size_t filled = 0;;) {
    stream.next_out = reinterpret_cast<Bytef*>(content.data() + filled);
    stream.avail_out = static_cast<uInt>(content.size() - filled);
    const int result = inflate(&stream, Z_NO_FLUSH);
    filled = content.size() - stream.avail_out;
    if (filled > limit.count) return too_large(limit);
    if (result == Z_STREAM_END) {
      if (stream.avail_in > 0) {
        inflateReset(&stream);
        continue;
      }
      content.resize(filled);
      return content;
    }
    const bool full = stream.avail_out == 0 && (result == Z_OK || result == Z_BUF_ERROR);
    if (!full) return fail(ErrorKind::corrupt_data, "what is packed does not unpack");
    // One byte beyond the limit tells that there is more.
    content.resize(std::min<std::size_t>(limit.count + 1, 2 * content.size() + kStep));
  }
}

Buffer pack(ByteView bytes) {
  z_stream stream{};
  constexpr int kMemory = 8;  // zlib's own default
  CHECK(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipOnly, kMemory, Z_DEFAULT_STRATEGY) ==
            Z_OK,
        "no memory to pack");
  const std::unique_ptr<z_stream, EndDeflate> end(&stream);
  Buffer packed(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflateBound is a bound");
  packed.resize(packed.size() - stream.avail_out);
  return packed;
}

}  // namespace quern
