// gzip (RFC 1952): what the build packed into the program, layers of images, what logs are sent as.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace quern {

// The content of all members of a gzip file (RFC 1952), one behind the other. corrupt_data when it
// is none, resource_exhausted when they hold more than `limit`.
Result<Buffer> unpack(ByteView gzip, Bytes limit);

// One member. Several one behind the other are a gzip file, too.
Buffer pack(ByteView bytes);

}  // namespace quern
