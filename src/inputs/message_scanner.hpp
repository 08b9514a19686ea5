// Where a msgpack object ends, of which bytes come in pieces
// (https://github.com/msgpack/msgpack/blob/master/spec.md).
//
// Each byte is looked at once, however small the pieces are, and what is only passed over is not
// looked at: a count of objects that are still to come is all that is held.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>

namespace quern::inputs {

class MessageScanner {
 public:
  explicit MessageScanner(Bytes largest) : largest_(largest.count) {}

  // From now on.
  void allow(Bytes largest) { largest_ = largest.count; }

  // `bytes` is everything from the object's first byte on, the same as before and what came since.
  // The object's size, and the scanner is ready for the next; nothing while its end is not there.
  // resource_exhausted: it is larger than `largest`; corrupt_data: no array and no nil, which is
  // all that a message may be.
  Result<std::optional<std::size_t>> find_end(ByteView bytes);

 private:
  std::uint64_t largest_;
  std::uint64_t at_ = 0;    // of the next object within
  std::uint64_t left_ = 1;  // objects, as far as they were announced
};

}  // namespace quern::inputs
