// Lines out of bytes that come in pieces.
#pragma once

#include "base/bytes.hpp"

#include "inputs/arrived_bytes.hpp"
#include "logs/batch.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace quern::inputs {

// What is around a line in its record finds room in the rest.
inline constexpr Bytes kLongestLine{logs::kLargestRecord.count - 4096};

// Of one thread.
class LineBuffer {
 public:
  explicit LineBuffer(Bytes longest) : longest_(longest.count) {}

  // Where the next bytes go, and how many came.
  std::span<std::byte> room() { return bytes_.room(); }
  void filled(std::size_t size) { bytes_.filled(size); }
  // Nothing follows: what is left is a line.
  void end() { ended_ = true; }
  // The next line, without its end; valid until room(). Longer ones are cut there, and counted.
  std::optional<std::string_view> next();
  std::uint64_t cut() const { return cut_; }

 private:
  std::size_t longest_;
  ArrivedBytes bytes_;
  bool skipping_ = false;
  bool ended_ = false;
  std::uint64_t cut_ = 0;
};

}  // namespace quern::inputs
