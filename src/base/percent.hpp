// Percent-encoding, as URLs have it (https://www.rfc-editor.org/rfc/rfc3986#section-2.1).
#pragma once

#include <string>
#include <string_view>

namespace quern {

// Letters, digits, "-._~" and what is in `plain` stay; each other byte is "%XX".
std::string percent_encoded(std::string_view text, std::string_view plain = {});
// A "%" without two hexadecimal digits behind it stays.
std::string percent_decoded(std::string_view text);

}  // namespace quern
