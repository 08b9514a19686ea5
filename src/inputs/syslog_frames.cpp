#include "inputs/syslog_frames.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace quern::inputs {
namespace {

constexpr std::size_t kLongestSize = 10;  // digits

}  // namespace

std::optional<std::string_view> SyslogFrames::next() {
  while (!bytes_.empty()) {
    const std::string_view rest = bytes_.rest();
    if (to_skip_ > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, rest.size()));
      bytes_.read(size);
      to_skip_ -= size;
      continue;
    }
    const Form form = form_of(rest);
    if (form == Form::not_told_yet) return std::nullopt;
    const std::size_t before = rest.size();
    const auto message = form == Form::counted ? counted(rest) : line(rest);
    if (message && message->empty()) continue;  // a line end behind a counted message
    if (message || bytes_.rest().size() == before) return message;
  }
  return std::nullopt;
}

// A size, a blank, and the "<" that begins every message of those who count.
SyslogFrames::Form SyslogFrames::form_of(std::string_view rest) const {
  if (skipping_line_ || rest.front() < '1' || rest.front() > '9') return Form::line;
  const std::size_t digits = rest.find_first_not_of("0123456789");
  const Form unknown = ended_ ? Form::line : Form::not_told_yet;
  if (digits == std::string_view::npos) return rest.size() > kLongestSize ? Form::line : unknown;
  if (digits > kLongestSize || rest[digits] != ' ') return Form::line;
  if (digits + 1 == rest.size()) return unknown;
  return rest[digits + 1] == '<' ? Form::counted : Form::line;
}

std::optional<std::string_view> SyslogFrames::counted(std::string_view rest) {
  const std::size_t blank = rest.find(' ');
  const auto size = parse_number<std::uint64_t>(rest.substr(0, blank));
  CHECK(size.ok(), "form_of() saw its digits");
  const std::string_view body = rest.substr(blank + 1);
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(*size, longest_));
  if (body.size() < wanted && !ended_) return std::nullopt;
  if (*size > wanted) {
    ++cut_;
    to_skip_ = *size - wanted;
  }
  const std::string_view message = body.substr(0, wanted);
  bytes_.read(blank + 1 + message.size());
  return message;
}

std::optional<std::string_view> SyslogFrames::line(std::string_view rest) {
  const std::size_t end = rest.find_first_of(std::string_view("\n\0", 2));
  const bool whole = end != std::string_view::npos;
  const std::string_view text = rest.substr(0, end);
  if (!whole && !ended_ && !skipping_line_ && text.size() <= longest_) return std::nullopt;
  bytes_.read(whole ? end + 1 : rest.size());
  if (std::exchange(skipping_line_, !whole && !ended_)) return std::nullopt;
  cut_ += text.size() > longest_ ? 1 : 0;
  std::string_view message = text.substr(0, longest_);
  if (message.ends_with('\r')) message.remove_suffix(1);
  return message;
}

}  // namespace quern::inputs
