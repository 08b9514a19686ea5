// Characters of UTF-8, one at a time (RFC 3629: no surrogates, and no longer form than it takes).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace quern {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: the text does not begin with a well-formed character
};

// `text` is not empty.
Character first_character(std::string_view text);

// `code`: of a character, so no surrogate and at most 0x10ffff.
std::string to_utf8(char32_t code);

}  // namespace quern
