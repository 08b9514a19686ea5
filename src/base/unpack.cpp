#include "base/unpack.hpp"

#include <zlib.h>

#include <algorithm>

namespace quern {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;
constexpr std::size_t kTrailer = 4;

// The member's last four bytes: its size, modulo 2^32. A hint, checked by what comes out.
std::size_t promised_size(ByteView gzip) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < kTrailer && gzip.size() >= kTrailer; ++i) {
    size |= std::to_integer<std::size_t>(gzip[gzip.size() - kTrailer + i]) << (8 * i);
  }
  return size;
}

}  // namespace

Result<Buffer> unpack(ByteView gzip, Bytes limit) {
  const std::size_t size = promised_size(gzip);
  if (size > limit.count) {
    return fail(ErrorKind::resource_exhausted,
                "what is packed holds more than " + to_string(limit));
  }
  Buffer content(size);
  z_stream stream{};
  // zlib does not write through next_in; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  stream.next_out = reinterpret_cast<Bytef*>(content.data());
  stream.avail_out = static_cast<uInt>(content.size());
  if (inflateInit2(&stream, kGzipOnly) != Z_OK)
    return fail(ErrorKind::internal, "no memory to unpack");
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  if (!whole) return fail(ErrorKind::corrupt_data, "what is packed does not unpack");
  return content;
}

}  // namespace quern
