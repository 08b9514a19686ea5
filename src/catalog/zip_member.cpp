// The zip format as PKWARE's APPNOTE.TXT describes it
// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), as far as wheels use it.
//
// Read from the end: the end record says where the central directory lies, the directory says
// where members lie. All numbers are checked against the file's size before they are followed,
// and the local header must repeat what the directory said. No name out of the zip ever becomes a
// path: a member is asked for by a name we know.
#include "catalog/zip_member.hpp"

#include "base/stop.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>

namespace quern::catalog {
namespace {

constexpr std::uint32_t kEndMark = 0x06054b50;
constexpr std::uint32_t kDirectoryMark = 0x02014b50;
constexpr std::uint32_t kLocalMark = 0x04034b50;
constexpr std::size_t kEndSize = 22;
constexpr std::size_t kDirectoryEntrySize = 46;
constexpr std::size_t kLocalSize = 30;
constexpr std::size_t kMaxComment = 65535;
constexpr std::uint64_t kMaxDirectory = 8ULL << 20U;  // a wheel has hundreds of files, not 100,000
constexpr std::size_t kPiece = std::size_t{256} * 1024;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kEncrypted = 1;

Failure broken(std::string why) {
  return fail(ErrorKind::corrupt_data, "a broken zip: " + std::move(why));
}

// Little-endian numbers at a place the caller has checked.
std::uint32_t number(ByteView bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) {
    value = (value << 8U) | std::to_integer<std::uint32_t>(bytes[at + i]);
  }
  return value;
}
std::uint16_t u16(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(number(bytes, at, 2));
}
std::uint32_t u32(ByteView bytes, std::size_t at) { return number(bytes, at, 4); }

struct Directory {
  std::uint64_t at = 0;
  std::uint64_t size = 0;
};

Result<Directory> find_directory(Files& files, const std::filesystem::path& zip,
                                 std::uint64_t size) {
  const std::uint64_t tail_size = std::min<std::uint64_t>(size, kEndSize + kMaxComment);
  const Buffer tail = TRY(files.read_part(zip, Bytes{size - tail_size}, Bytes{tail_size}));
  if (tail.size() < kEndSize) return broken("too short");
  for (std::size_t at = tail.size() - kEndSize;; --at) {
    // The comment must reach exactly to the end, or this mark is only part of one.
    if (u32(tail, at) == kEndMark && at + kEndSize + u16(tail, at + 20) == tail.size()) {
      const Directory found{.at = u32(tail, at + 16), .size = u32(tail, at + 12)};
      if (found.at == 0xffffffff || found.size == 0xffffffff) {
        return fail(ErrorKind::unsupported, "a zip64 file");
      }
      if (found.at + found.size > size) return broken("its directory lies behind its end");
      if (found.size > kMaxDirectory) return broken("an absurdly long directory");
      return found;
    }
    if (at == 0) return broken("no end record");
  }
}

Result<ZipMember> read_entry(ByteView entry) {
  const std::uint16_t flags = u16(entry, 8);
  const ZipMember member{.size = u32(entry, 24),
                         .packed_size = u32(entry, 20),
                         .header_at = u32(entry, 42),
                         .method = u16(entry, 10),
                         .crc = u32(entry, 16)};
  if ((flags & kEncrypted) != 0) return fail(ErrorKind::unsupported, "an encrypted zip member");
  if (member.method != kStored && member.method != kDeflated) {
    return fail(ErrorKind::unsupported,
                "a zip member packed by method " + std::to_string(member.method));
  }
  if (member.size == 0xffffffff || member.packed_size == 0xffffffff) {
    return fail(ErrorKind::unsupported, "a zip64 member");
  }
  if (member.method == kStored && member.size != member.packed_size) return broken("two sizes");
  return member;
}

// Inflates (or passes on) packed bytes, never more than the member's size.
class Unpacker {
 public:
  Unpacker(const ZipMember& member, const std::function<Result<>(ByteView)>& take)
      : member_(member), take_(take) {
    stream_.zalloc = nullptr;
    stream_.zfree = nullptr;
    started_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK;
  }
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  ~Unpacker() {
    if (started_) inflateEnd(&stream_);
  }

  Result<> feed(ByteView packed) {
    if (member_.method == kStored) return give(packed);
    if (!started_) return fail(ErrorKind::internal, "no memory to unpack");
    // zlib does not write through next_in; its type is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    // Once more while the output was filled to its end: zlib may hold back what did not fit.
    for (bool full = false; full || stream_.avail_in > 0;) {
      if (over_) return broken("bytes behind a member's end");
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_BUF_ERROR && stream_.avail_in == 0) break;  // nothing was held back
      if (result != Z_OK && result != Z_STREAM_END) return broken("a member that does not unpack");
      over_ = result == Z_STREAM_END;
      full = !over_ && stream_.avail_out == 0;
      TRY(give(ByteView(out_.data(), out_.size() - stream_.avail_out)));
    }
    return {};
  }

  Result<> finish() const {
    if (member_.method == kDeflated && !over_) return broken("a member without its end");
    if (done_ != member_.size) return broken("a member shorter than its directory says");
    if (crc_ != member_.crc) return broken("a member with another CRC than its directory says");
    return {};
  }

 private:
  Result<> give(ByteView bytes) {
    if (bytes.size() > member_.size - done_)
      return broken("a member longer than its directory says");
    done_ += bytes.size();
    crc_ = static_cast<std::uint32_t>(
        crc32_z(crc_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    return bytes.empty() ? Result<>() : take_(bytes);
  }

  const ZipMember& member_;
  const std::function<Result<>(ByteView)>& take_;
  z_stream stream_{};
  bool started_ = false;
  bool over_ = false;
  std::uint64_t done_ = 0;
  std::uint32_t crc_ = 0;
  Buffer out_ = Buffer(kPiece);
};

}  // namespace

Result<ZipMember> find_member(Files& files, const std::filesystem::path& zip,
                              const std::string& name) {
  const std::uint64_t size = TRY(files.stat(zip)).size.count;
  const Directory directory = TRY(find_directory(files, zip, size));
  const Buffer entries = TRY(files.read_part(zip, Bytes{directory.at}, Bytes{directory.size}));
  std::optional<ZipMember> found;
  for (std::size_t at = 0; at < entries.size();) {
    if (entries.size() - at < kDirectoryEntrySize || u32(entries, at) != kDirectoryMark) {
      return broken("a malformed directory");
    }
    const ByteView entry = ByteView(entries).subspan(at);
    const std::size_t name_size = u16(entry, 28);
    const std::size_t whole = kDirectoryEntrySize + name_size + u16(entry, 30) + u16(entry, 32);
    if (whole > entry.size()) return broken("a malformed directory");
    if (as_text(entry.subspan(kDirectoryEntrySize, name_size)) == name) {
      if (found) return broken("two members of one name");
      found = TRY(read_entry(entry));
      if (found->header_at + kLocalSize + found->packed_size > directory.at) {
        return broken("a member that lies behind the directory");
      }
    }
    at += whole;
  }
  if (!found) return fail(ErrorKind::not_found, "the zip has no member " + name);
  return *found;
}

Result<> unpack_member(Files& files, const std::filesystem::path& zip, const std::string& name,
                       const ZipMember& member, const std::stop_token& stop,
                       const std::function<Result<>(ByteView)>& take) {
  const Buffer local =
      TRY(files.read_part(zip, Bytes{member.header_at}, Bytes{kLocalSize + name.size()}));
  if (local.size() != kLocalSize + name.size() || u32(local, 0) != kLocalMark ||
      u16(local, 26) != name.size() || as_text(ByteView(local).subspan(kLocalSize)) != name ||
      u16(local, 8) != member.method) {
    return broken("a member's header contradicts the directory");
  }
  std::uint64_t at = member.header_at + kLocalSize + name.size() + u16(local, 28);
  std::uint64_t left = member.packed_size;
  Unpacker unpacker(member, take);
  while (left > 0) {
    TRY(still_wanted(stop, Deadline::never()));
    const Buffer piece =
        TRY(files.read_part(zip, Bytes{at}, Bytes{std::min<std::uint64_t>(left, kPiece)}));
    if (piece.empty()) return broken("cut off");
    TRY(unpacker.feed(piece));
    at += piece.size();
    left -= piece.size();
  }
  return unpacker.finish();
}

}  // namespace quern::catalog
