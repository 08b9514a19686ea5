// One instance of a filter made for Fluent Bit: where its tag and record lie, and how it is called.
// Internal to plugins/.
#pragma once

#include "wasm/wasm.hpp"

#include "logs/batch.hpp"
#include "plugins/env_state.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace quern::plugins {

struct GuestOptions {
  std::string name;      // of the stage, for the log
  std::string function;  // the export that is called for each record
  std::vector<wasm::Directory> directories;
  Bytes memory = 64_MiB;
  std::chrono::milliseconds time{1000};    // of the processor, each call
  std::chrono::milliseconds start{10000};  // of the wall clock, its beginning
};

// Of one thread at a time.
class FilterGuest {
 public:
  // not_found: no such function, with the names of those that fit.
  static Result<std::unique_ptr<FilterGuest>> begin(wasm::Linked& linked,
                                                    const GuestOptions& options);

  // The address that the function returned. After an error this guest may only be destroyed.
  // `record` is followed by a zero byte where the guest sees it, which is not part of it.
  Result<std::uint32_t> call(std::string_view tag, logs::EventTime time, std::string_view record);
  // Until the next call.
  std::span<const std::byte> memory() const { return resident_->memory(); }
  // What was returned has been read. After an error, as after one of call().
  Result<> done(std::uint32_t returned);

  // Its last call wanted a block of the host's heap and got none.
  bool starved() const { return env_->refused; }
  // Its memory, or its number of blocks, comes near to its limit: a fresh one should go on.
  bool worn() const { return memory().size() >= worn_at_ || env_->heap.blocks() >= worn_blocks_; }

 private:
  using Function = wasm::Resident::Function;
  // Of the guest's memory.
  struct Block {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  // Of the guest; without one the heap is the host's.
  struct Allocator {
    Function allocate;
    Function release;
    // AssemblyScript's: allocate takes a class, too, and what is pinned may be kept.
    std::optional<Function> pin;
  };

  FilterGuest() = default;
  Result<> find_functions(const std::string& name);
  Result<> find_allocator();
  Result<> make_room(std::uint32_t size);
  bool keeps_block() const { return !allocator_ || allocator_->pin.has_value(); }
  Result<std::uint32_t> allocate(std::uint32_t size);
  Result<> release(std::uint32_t block);
  Result<> watch_guard();

  std::shared_ptr<EnvState> env_;
  std::unique_ptr<wasm::Resident> resident_;
  Function filter_{};
  std::optional<Allocator> allocator_;
  Block block_;                // of the record and, behind it, the tag
  std::uint64_t worn_at_ = 0;  // bytes of its memory
  std::size_t worn_blocks_ = 0;
  // A block that the guest made, returned and did not free: its own if it returns it again.
  std::uint32_t returned_ = 0;
  std::uint64_t made_before_ = 0;
};

}  // namespace quern::plugins
