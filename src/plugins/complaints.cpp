#include "plugins/complaints.hpp"

#include "base/log.hpp"
#include "base/text.hpp"

#include <utility>

namespace quern::plugins {
namespace {

constexpr std::chrono::seconds kTellAgain{10};

}  // namespace

void Complaints::fault(std::string_view kind, std::string_view why) {
  const auto now = clock_.now();
  const auto before = told_.with([now](Told& told) -> std::optional<std::uint64_t> {
    if (told.when && now - *told.when < kTellAgain) {
      ++told.since;
      return std::nullopt;
    }
    told.when = now;
    return std::exchange(told.since, 0);
  });
  if (!before) return;
  std::string text = name_ + ": a fault (" + std::string(kind) + "): " + std::string(why);
  if (*before > 0) text += "; " + std::to_string(*before) + " more before it";
  log::warn("plugins", text);
}

void Complaints::pause(std::chrono::milliseconds length, const Error& last) const {
  if (length.count() == 0) return;
  log::warn("plugins", name_ + ": out of work for " + std::to_string(length.count() / 1000) +
                           " s, it failed again and again; last: " + first_line(last.message()));
}

std::string first_line(std::string_view text) {
  return printable(text.substr(0, text.find('\n')), kLongestReason);
}

}  // namespace quern::plugins
