// Small questions about text that several rooms ask. Views out of a function live as long as the
// text that went in. ASCII only, but for is_utf8() and printable(): names, headers and numbers, never
// prose.
#pragma once

#include "base/result.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace quern {

// Without blanks, tabs and line ends at both sides.
std::string_view trim(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string to_lower(std::string_view text);
// Unicode's table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);
// "a:b::c" by ':' is {"a","b","","c"}; the empty text is {""}.
std::vector<std::string_view> split(std::string_view text, char separator);
// Words of others (a registry, a file, a peer) as they may stand on one line of a terminal: "?" for
// every control character (line ends, U+0080 to U+009F too), for what turns the order of letters
// around, and for bytes that are no UTF-8. Cut, with "...", after `most` bytes.
std::string printable(std::string_view text, std::size_t most);
// How many edits (insert, delete, replace, swap of neighbours) lie between a and b: for
// "did you mean". Looks at the first 64 characters of each.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The whole text as a number; invalid_argument otherwise. No sign for unsigned types.
template <class Number>
Result<Number> parse_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem == std::errc::result_out_of_range) {
    return fail(ErrorKind::invalid_argument, "\"" + std::string(text) + "\" is out of range");
  }
  if (problem != std::errc{} || rest != end) {
    return fail(ErrorKind::invalid_argument, "\"" + std::string(text) + "\" is not a number");
  }
  return number;
}

}  // namespace quern
