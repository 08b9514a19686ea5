// Base64 with padding, RFC 4648.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quern::chat {

std::string to_base64(std::string_view bytes);

// Nothing when the text is not base64. Padding may be left out.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace quern::chat
