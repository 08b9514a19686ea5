// A heap inside a guest's memory of which the guest knows nothing but the addresses. Internal to
// plugins/.
//
// All bookkeeping is on the host's side, so that nothing a guest writes can break it. Blocks begin
// at multiples of 16.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

namespace quern::plugins {

// Of one thread at a time.
class GuestHeap {
 public:
  // More memory by pages of 64 KiB: where it begins.
  using Grow = std::function<Result<std::uint32_t>(std::uint32_t pages)>;

  // What the host remembers of blocks is bounded, too.
  static constexpr std::size_t kMostBlocks = 256 * 1024;

  // A block of at least one byte; resource_exhausted as `grow` says it, or too many blocks.
  Result<std::uint32_t> allocate(std::uint32_t size, const Grow& grow);
  // Nothing when it is no block's beginning.
  std::optional<std::uint32_t> size_of(std::uint32_t block) const;
  // False when it is none: freed twice, or an address of the guest's making.
  bool release(std::uint32_t block);

  // The last bytes of the region that was added last, which are never part of a block.
  static constexpr std::uint32_t kGuard = 128;
  std::uint32_t guard() const { return guard_; }
  // Forgets all regions and blocks: somebody else uses them.
  void abandon();

  std::uint64_t in_use() const { return in_use_; }
  // How many are remembered, used ones and free ones: about kMostBlocks at most.
  std::size_t blocks() const { return used_.size() + free_.size(); }
  // How many blocks were made until now.
  std::uint64_t serial() const { return serial_; }
  // The number of this one, counted from 1; 0: none.
  std::uint64_t serial_of(std::uint32_t block) const;

 private:
  struct Block {
    std::uint32_t size = 0;
    std::uint64_t serial = 0;
  };
  std::optional<std::uint32_t> take(std::uint32_t size);
  void give(std::uint32_t begin, std::uint32_t size);

  std::map<std::uint32_t, std::uint32_t> free_;  // sizes by where they begin; no two touch
  std::map<std::uint32_t, Block> used_;
  std::uint32_t guard_ = 0;
  std::uint32_t last_pages_ = 0;
  std::uint64_t in_use_ = 0;
  std::uint64_t serial_ = 0;
};

}  // namespace quern::plugins
