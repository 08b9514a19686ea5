#include "outputs/rotation.hpp"

#include "base/unpack.hpp"

#include <string>

namespace quern::outputs {
namespace {

using Path = std::filesystem::path;

constexpr Bytes kPiece = 1_MiB;

Path numbered(const Path& path, char mark, unsigned number, std::string_view suffix = "") {
  return path.string() + mark + std::to_string(number) + std::string(suffix);
}

// A member of gzip for each piece: no file is too large for the memory.
Result<> pack_file(Files& files, const Path& path) {
  const Path packed = path.string() + ".gz";
  const Path part = packed.string() + ".part";
  // A part of a run that ended amid it.
  if (files.exists(part)) TRY(files.remove(part));
  const auto writer = TRY(files.append(part));
  for (Bytes at{};; at.count += kPiece.count) {
    const Buffer piece = TRY(files.read_part(path, at, kPiece));
    if (piece.empty()) break;
    TRY(writer->write(pack(piece)));
    if (piece.size() < kPiece.count) break;
  }
  TRY(writer->sync());
  TRY(files.rename(part, packed));
  return files.remove(path);
}

}  // namespace

Result<> rotate(Files& files, const Path& path, const Rotation& rotation) {
  for (unsigned number = rotation.keep; number > 0; --number) {
    for (const std::string_view suffix : {"", ".gz"}) {
      const Path from = numbered(path, rotation.mark, number, suffix);
      if (!files.exists(from)) continue;
      if (number == rotation.keep) {
        TRY(files.remove(from));
      } else {
        TRY(files.rename(from, numbered(path, rotation.mark, number + 1, suffix)));
      }
    }
  }
  const Path first = numbered(path, rotation.mark, 1);
  TRY(files.rename(path, first));
  // Not being able to pack it loses nothing.
  if (rotation.gzip) return pack_file(files, first);
  return {};
}

}  // namespace quern::outputs
