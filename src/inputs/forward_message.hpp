// A message of the Forward protocol as events
// (https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.5).
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include "logs/batch.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace quern::inputs {

struct ForwardMessage {
  enum class Signal : std::uint8_t { logs, others };  // metrics and traces
  std::string tag;
  std::optional<std::string> chunk;  // the sender waits until this is acknowledged
  Signal signal = Signal::logs;
  bool packed = false;  // the entries are gzip yet
  // One behind the other, each [time, record] or [[time, metadata], record]. Of a message, or
  // unpacked from it.
  ByteView entries;
  Buffer held;
};

// Nothing: the sender only keeps the connection alive. The views are those of `message`, which is
// one whole msgpack object. corrupt_data: it is no such message; unsupported: it is packed in a way
// that is not known here.
Result<std::optional<ForwardMessage>> parse_forward(ByteView message);
// Where they are packed. resource_exhausted: they unpack to more than `largest`.
Result<> unpack_entries(ForwardMessage& message, Bytes largest);

// The entries of a message in batches of a good size.
struct EntryCounts {
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;  // no entries, or too large
};
Result<EntryCounts> each_batch(const ForwardMessage& message,
                               const std::function<Result<>(logs::Batch)>& give);

}  // namespace quern::inputs
