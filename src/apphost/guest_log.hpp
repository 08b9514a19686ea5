// What a served guest prints, line by line in the log: "[req 17] guest: Traceback ...".
#pragma once

#include "wasm/wasm.hpp"

#include <cstdint>
#include <string>

namespace quern::apphost {

// A line is cut at kMaxLine; after kMaxOutput bytes of one instance the rest is dropped and said
// to be. The log escapes what could break its own lines.
class GuestLog final : public wasm::OutputSink {
 public:
  static constexpr std::size_t kMaxLine = 2048;
  static constexpr std::size_t kMaxOutput = 64 * 1024;

  explicit GuestLog(std::uint64_t request) : request_(request) {}
  // Tells what is left of an unfinished line.
  ~GuestLog() override;
  void write(ByteView bytes) override;

 private:
  void tell();

  const std::uint64_t request_;
  std::string line_;
  std::size_t seen_ = 0;
};

}  // namespace quern::apphost
