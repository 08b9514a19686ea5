// Base64 as HTTP's Basic, registries' configuration and signatures have it (RFC 4648, section 4).
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <string>
#include <string_view>

namespace quern {

std::string to_base64(ByteView bytes);
// corrupt_data: other letters, or a length that cannot be. Blanks and line ends are not taken.
Result<Buffer> from_base64(std::string_view text);

}  // namespace quern
