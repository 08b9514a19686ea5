#include "plugins/guest_heap.hpp"

#include "wasm/resident.hpp"

#include <algorithm>
#include <iterator>

namespace quern::plugins {
namespace {

constexpr std::uint32_t kAlign = 16;
constexpr std::uint32_t kLargest = 1U << 30U;

}  // namespace

Result<std::uint32_t> GuestHeap::allocate(std::uint32_t size, const Grow& grow) {
  if (size > kLargest) return fail(ErrorKind::resource_exhausted, "a block above 1 GiB");
  if (blocks() >= kMostBlocks) return fail(ErrorKind::resource_exhausted, "too many blocks");
  const std::uint32_t whole = (std::max(size, 1U) + kAlign - 1) / kAlign * kAlign;
  if (const auto block = take(whole)) return *block;
  // Each region is twice the one before, so that many small blocks ask seldom; at its end it asks
  // for no more than it needs.
  const std::uint32_t needed = (whole + kGuard + wasm::kPage - 1) / wasm::kPage;
  std::uint32_t pages = std::max(needed, 2 * last_pages_);
  Result<std::uint32_t> begins = grow(pages);
  if (!begins.ok() && pages > needed) begins = grow(pages = needed);
  if (!begins.ok()) return fail(begins.error());
  last_pages_ = pages;
  guard_ = *begins + pages * wasm::kPage - kGuard;
  give(*begins, guard_ - *begins);
  return *take(whole);
}

std::optional<std::uint32_t> GuestHeap::take(std::uint32_t size) {
  const auto fits =
      std::ranges::find_if(free_, [size](const auto& at) { return at.second >= size; });
  if (fits == free_.end()) return std::nullopt;
  const auto [begin, room] = *fits;
  free_.erase(fits);
  if (room > size) free_.emplace(begin + size, room - size);
  used_.emplace(begin, Block{.size = size, .serial = ++serial_});
  in_use_ += size;
  return begin;
}

void GuestHeap::give(std::uint32_t begin, std::uint32_t size) {
  auto next = free_.lower_bound(begin);
  if (next != free_.end() && begin + size == next->first) {
    size += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == begin) {
      before->second += size;
      return;
    }
  }
  free_.emplace(begin, size);
}

std::optional<std::uint32_t> GuestHeap::size_of(std::uint32_t block) const {
  const auto found = used_.find(block);
  if (found == used_.end()) return std::nullopt;
  return found->second.size;
}

std::uint64_t GuestHeap::serial_of(std::uint32_t block) const {
  const auto found = used_.find(block);
  return found == used_.end() ? 0 : found->second.serial;
}

bool GuestHeap::release(std::uint32_t block) {
  const auto found = used_.find(block);
  if (found == used_.end()) return false;
  const std::uint32_t size = found->second.size;
  used_.erase(found);
  in_use_ -= size;
  give(block, size);
  return true;
}

void GuestHeap::abandon() {
  free_.clear();
  used_.clear();
  in_use_ = 0;
  guard_ = 0;
}

}  // namespace quern::plugins
