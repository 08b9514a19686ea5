// Messages of syslog out of a stream (https://www.rfc-editor.org/rfc/rfc6587): each behind its size
// ("11 <13>message"), or up to a line end. Which of the two is told by how each message begins.
#pragma once

#include "base/bytes.hpp"

#include "inputs/arrived_bytes.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace quern::inputs {

// Of one thread.
class SyslogFrames {
 public:
  explicit SyslogFrames(Bytes longest) : longest_(longest.count) {}

  // Where the next bytes go, and how many came.
  std::span<std::byte> room() { return bytes_.room(); }
  void filled(std::size_t size) { bytes_.filled(size); }
  // Nothing follows: what is left is a message.
  void end() { ended_ = true; }
  // The next message; valid until room(). Longer ones are cut, and counted.
  std::optional<std::string_view> next();
  std::uint64_t cut() const { return cut_; }

 private:
  enum class Form : std::uint8_t { counted, line, not_told_yet };
  Form form_of(std::string_view rest) const;
  std::optional<std::string_view> counted(std::string_view rest);
  std::optional<std::string_view> line(std::string_view rest);

  const std::size_t longest_;
  ArrivedBytes bytes_;
  std::uint64_t to_skip_ = 0;   // of a message that was cut
  bool skipping_line_ = false;  // likewise
  bool ended_ = false;
  std::uint64_t cut_ = 0;
};

}  // namespace quern::inputs
