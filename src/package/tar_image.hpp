// The image form of a component: one layer, a tar archive (perhaps packed with gzip) that holds it.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace quern::package {

// The one file of the archive whose name ends in ".wasm". unsupported: none, or several;
// corrupt_data: no archive; resource_exhausted: unpacked beyond 256 MiB.
Result<Buffer> wasm_in_image(ByteView layer);

}  // namespace quern::package
