// One URL into one file, with resume.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"
#include "base/network.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace quern::catalog {

// What a pull works with; all outlive it.
struct World {
  Network& network;
  Files& files;
  Clock& clock;
};

struct Download {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::filesystem::path to;   // what is there already is continued
  std::string digest;         // "sha256:...": what it must be; empty: unknown
  std::uint64_t size = 0;     // 0: unknown
  std::uint64_t largest = 0;  // more is not taken; 0: as much as the disk holds
};

struct Downloaded {
  std::string digest;
  std::uint64_t size = 0;
};

// Fetches until the file is whole and verified. A connection that breaks is taken up again where
// it broke, as long as each try brings something. `here(done, total)` is called as bytes arrive;
// total is 0 while it is unknown.
//
// On corrupt_data (digest, size) the file is removed; on any other error it stays, for the next
// try. resource_exhausted: the disk, or `largest`.
Result<Downloaded> download(World world, const Download& what, const std::stop_token& stop,
                            const std::function<void(std::uint64_t, std::uint64_t)>& here);

// A small document into memory, with the URL it came from in the end.
struct Page {
  std::string text;
  std::string url;
  std::string content_type;
};
Result<Page> fetch_page(Network& network, const FetchRequest& request, const std::stop_token& stop);

// The digest of a file that may be large.
Result<std::string> digest_of(Files& files, const std::filesystem::path& path,
                              const std::stop_token& stop);

// Makes `to` a copy of `from`, synced; what was at `to` is gone.
Result<> copy_file(Files& files, const std::filesystem::path& from, const std::filesystem::path& to,
                   const std::stop_token& stop);

// resource_exhausted unless so many bytes can be written at `where`, and some to spare.
Result<> check_space(Files& files, const std::filesystem::path& where, Bytes needed);

}  // namespace quern::catalog
