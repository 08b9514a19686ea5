// gzip (RFC 1952): what the build packed into the program, and layers of images.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace quern {

// The content of one gzip member (RFC 1952). corrupt_data when it is none, resource_exhausted when
// it holds more than `limit`.
Result<Buffer> unpack(ByteView gzip, Bytes limit);

}  // namespace quern
