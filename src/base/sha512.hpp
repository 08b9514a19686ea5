// SHA-512 as protocols of others ask for it (Forward's shared keys). Our own digest is SHA-256.
#pragma once

#include "base/bytes.hpp"

#include <string>

namespace quern {

// 128 hex digits, in lower case.
std::string sha512_hex(ByteView bytes);

}  // namespace quern
