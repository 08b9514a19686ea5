// Forward's messages as a client writes and reads them
// (https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.5).
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include "logs/batch.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::outputs {

enum class Metadata : std::uint8_t { left_out, sent };
enum class Packing : std::uint8_t { none, gzip };

struct ForwardForm {
  // Fluentd, and Fluent Bit before 2.1, read [time, record] only.
  Metadata metadata = Metadata::left_out;
  Packing packing = Packing::none;
  std::string tag;  // of all; empty: the records' own
};

// The records of each tag, in order, as entries of PackedForward.
struct TagEntries {
  std::string tag;
  std::uint64_t count = 0;
  Buffer entries;
};
std::vector<TagEntries> entries_by_tag(const logs::Batch& batch, const ForwardForm& form);

// One PackedForward; without `chunk` no acknowledgement is asked for.
Buffer packed_message(const TagEntries& entries, const ForwardForm& form, std::string_view chunk);

// ["HELO", {nonce, auth}].
struct Helo {
  std::string nonce;
  std::string auth;  // empty: no user name is wanted
};
Result<Helo> read_helo(ByteView message);

struct Credentials {
  std::string shared_key;
  std::string hostname;  // ours
  std::string user;
  std::string password;
};
Buffer ping_message(const Helo& helo, const Credentials& credentials, std::string_view salt);
// permission_denied: the peer says no, with its reason, or does not know the key itself.
Result<> check_pong(ByteView message, const Helo& helo, const Credentials& credentials,
                    std::string_view salt);

// {"ack": chunk}: its chunk. corrupt_data: it is no acknowledgement.
Result<std::string> read_ack(ByteView message);

}  // namespace quern::outputs
