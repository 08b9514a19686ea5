// Regular expressions in time that is linear in the text (RE2), with a bound on what one may cost.
// Of this room alone.
#pragma once

#include "base/result.hpp"

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>

namespace quern::logs {

using Regex = std::shared_ptr<const re2::RE2>;

// RE2's syntax (https://github.com/google/re2/wiki/Syntax), with (?<name>...) for (?P<name>...)
// besides. invalid_argument: it is none, or needs more than a MiB.
Result<Regex> compile_regex(std::string_view pattern);

// Is it anywhere in the text?
inline bool found_in(const re2::RE2& regex, std::string_view text) {
  return regex.Match({text.data(), text.size()}, 0, text.size(), re2::RE2::UNANCHORED, nullptr, 0);
}

}  // namespace quern::logs
