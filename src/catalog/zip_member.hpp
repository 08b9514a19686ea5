// One member out of a zip file (a Python wheel), without trusting the zip.
#pragma once

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

namespace quern::catalog {

struct ZipMember {
  std::uint64_t size = 0;  // unpacked
  std::uint64_t packed_size = 0;
  std::uint64_t header_at = 0;  // where its local header begins
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
};

// Finds a member by its exact name. not_found; corrupt_data: no zip, or one that contradicts
// itself; unsupported: encrypted, zip64, or packed in a way unknown here.
Result<ZipMember> find_member(Files& files, const std::filesystem::path& zip,
                              const std::string& name);

// Unpacks it into `take`, in pieces. Never yields more than member.size bytes; corrupt_data when
// the bytes do not unpack to exactly that, or not to its CRC.
Result<> unpack_member(Files& files, const std::filesystem::path& zip, const std::string& name,
                       const ZipMember& member, const std::stop_token& stop,
                       const std::function<Result<>(ByteView)>& take);

}  // namespace quern::catalog
