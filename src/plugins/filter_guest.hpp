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
  // What was returned has been read.
  void read(std::uint32_t returned);

  // Its memory comes near to its limit: a fresh one should go on.
  bool worn() const { return memory().size() >= limit_.count / 4 * 3; }

 private:
  using Function = wasm::Resident::Function;
  // Of the guest's memory, kept from call to call.
  struct Block {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  // Of the guest; without one the heap is the host's.
  struct Allocator {
    Function allocate;
    Function release;
    std::optional<Function> pin;  // AssemblyScript's: allocate takes a class, too
  };

  FilterGuest() = default;
  Result<> find_functions(const std::string& name);
  Result<> find_allocator();
  Result<> put(Block& block, std::string_view text);
  Result<> make_room(Block& block, std::uint32_t size);
  Result<std::uint32_t> allocate(std::uint32_t size);
  Result<> release(std::uint32_t block);
  Result<> watch_guard();

  std::shared_ptr<EnvState> env_;
  std::unique_ptr<wasm::Resident> resident_;
  Function filter_{};
  std::optional<Allocator> allocator_;
  Block tag_;
  Block record_;
  Bytes limit_;
  // A block that the guest made, returned and did not free: its own if it returns it again.
  std::uint32_t returned_ = 0;
  std::uint64_t made_before_ = 0;
};

}  // namespace quern::plugins
