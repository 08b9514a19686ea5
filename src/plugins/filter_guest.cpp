// The call and the start of a guest are those of Fluent Bit's filter_wasm
// (https://docs.fluentbit.io/manual/development/wasm-filter-plugins), but for the heap of a guest
// that has none: it lies behind the memory that the guest began with.
#include "plugins/filter_guest.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace quern::plugins {
namespace {

using Gives = wasm::Resident::Gives;

constexpr std::uint32_t kParameters = 6;
constexpr std::uint32_t kSmallestBlock = 1024;
constexpr std::array<std::byte, GuestHeap::kGuard> kUntouched = [] {
  std::array<std::byte, GuestHeap::kGuard> bytes{};
  bytes.fill(std::byte{0xa5});
  return bytes;
}();

// Of what it may grow, three quarters: one that begins near to its limit is not worn by that.
std::uint64_t worn_from(std::uint64_t begins, std::uint64_t limit) {
  return begins + (limit - std::min(begins, limit)) / 4 * 3 + 1;
}

}  // namespace

Result<std::unique_ptr<FilterGuest>> FilterGuest::begin(wasm::Linked& linked,
                                                        const GuestOptions& options) {
  std::unique_ptr<FilterGuest> guest(new FilterGuest());
  guest->env_ = std::make_shared<EnvState>(options.name);
  wasm::Sandbox sandbox;
  sandbox.args = {options.name};
  sandbox.directories = options.directories;
  sandbox.out = guest->env_;
  sandbox.err = guest->env_;
  sandbox.limits.memory = options.memory;
  sandbox.limits.wall = options.start;
  sandbox.limits.cpu = options.time;
  sandbox.limits.output = {~std::uint64_t{0}};  // the log tells only some of it
  sandbox.state = guest->env_;
  sandbox.log_tag = options.name + ": ";
  guest->resident_ = TRY(linked.reside(std::move(sandbox)));
  TRY(guest->find_functions(options.function));
  guest->worn_at_ = worn_from(guest->memory().size(), options.memory.count);
  guest->worn_blocks_ = worn_from(guest->env_->heap.blocks(), GuestHeap::kMostBlocks);
  return guest;
}

Result<> FilterGuest::find_functions(const std::string& name) {
  filter_ = TRY(resident_->find(name, kParameters, Gives::number));
  return find_allocator();
}

Result<> FilterGuest::find_allocator() {
  const auto find = [this](std::string_view name, std::uint32_t parameters, Gives gives) {
    return resident_->find(name, parameters, gives);
  };
  if (const auto allocate = find("malloc", 1, Gives::number); allocate.ok()) {
    if (const auto release = find("free", 1, Gives::nothing); release.ok()) {
      allocator_ = Allocator{.allocate = *allocate, .release = *release, .pin = {}};
      return {};
    }
  }
  auto allocate = find("__new", 2, Gives::number);
  if (!allocate.ok()) allocate = find("__alloc", 2, Gives::number);  // of older compilers
  if (!allocate.ok()) return {};
  for (const auto& [pin, unpin] : {std::pair{"__pin", "__unpin"}, {"__retain", "__release"}}) {
    const auto pinned = find(pin, 1, Gives::number);
    const auto unpinned = find(unpin, 1, Gives::nothing);
    if (!pinned.ok() || !unpinned.ok()) continue;
    allocator_ = Allocator{.allocate = *allocate, .release = *unpinned, .pin = *pinned};
    return {};
  }
  return {};
}

Result<std::uint32_t> FilterGuest::call(std::string_view tag, logs::EventTime time,
                                        std::string_view record) {
  TRY(watch_guard());
  const auto record_size = static_cast<std::uint32_t>(record.size());
  const auto tag_size = static_cast<std::uint32_t>(tag.size());
  TRY(make_room(record_size + tag_size + 2));
  std::byte* const to = resident_->memory().data() + block_.at;
  std::memcpy(to, record.data(), record_size);
  to[record_size] = std::byte{0};
  std::memcpy(to + record_size + 1, tag.data(), tag_size);
  to[record_size + 1 + tag_size] = std::byte{0};
  made_before_ = env_->heap.serial();
  env_->refused = false;
  const std::array<std::uint32_t, kParameters> arguments{block_.at + record_size + 1,
                                                         tag_size,
                                                         time.seconds,
                                                         time.nanoseconds,
                                                         block_.at,
                                                         record_size};
  return resident_->call(filter_, arguments);
}

Result<> FilterGuest::done(std::uint32_t returned) {
  if (!keeps_block()) return release(std::exchange(block_, {}).at);
  const std::uint64_t made = env_->heap.serial_of(returned);
  if (made <= made_before_) {
    // One that was there before is the guest's own and stays; so is one that comes back.
    if (returned == returned_) returned_ = 0;
    return {};
  }
  if (returned_ != 0) env_->heap.release(std::exchange(returned_, 0));
  returned_ = returned;
  return {};
}

// A guest that collects its garbage may take back what only the host knows, when it is not called:
// so it is asked for a block each time, and for one block alone.
Result<> FilterGuest::make_room(std::uint32_t size) {
  if (size <= block_.size) return {};
  if (keeps_block()) size = std::max(std::bit_ceil(size), kSmallestBlock);
  if (block_.size != 0) TRY(release(std::exchange(block_, {}).at));
  const std::uint32_t at = TRY(allocate(size));
  const std::uint64_t end = std::uint64_t{at} + size;
  if (at == 0 || end > memory().size()) {
    return fail(ErrorKind::resource_exhausted,
                "the plugin has no memory for a record of " + std::to_string(size) + " bytes");
  }
  block_ = {.at = at, .size = size};
  return {};
}

Result<std::uint32_t> FilterGuest::allocate(std::uint32_t size) {
  if (!allocator_) {
    const std::uint32_t at = TRY(
        env_->heap.allocate(size, [this](std::uint32_t pages) { return resident_->grow(pages); }));
    std::ranges::copy(kUntouched, resident_->memory().begin() + env_->heap.guard());
    return at;
  }
  if (!allocator_->pin) return resident_->call(allocator_->allocate, {{size}});
  const std::uint32_t at = TRY(resident_->call(allocator_->allocate, {{size, 0}}));
  return resident_->call(*allocator_->pin, {{at}});
}

Result<> FilterGuest::release(std::uint32_t block) {
  if (!allocator_) {
    env_->heap.release(block);
    return {};
  }
  TRY(resident_->call(allocator_->release, {{block}}));
  return {};
}

// An allocator inside the guest that begins late takes all memory that it finds, also what the host
// grew, and marks its end. Then the region is the guest's, and the next one lies behind it.
Result<> FilterGuest::watch_guard() {
  if (allocator_ || env_->used || env_->heap.guard() == 0) return {};
  const std::byte* const guard = memory().data() + env_->heap.guard();
  if (std::memcmp(guard, kUntouched.data(), kUntouched.size()) == 0) return {};
  env_->heap.abandon();
  block_ = {};
  return {};
}

}  // namespace quern::plugins
