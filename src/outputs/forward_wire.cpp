#include "outputs/forward_wire.hpp"

#include "base/sha512.hpp"
#include "base/text.hpp"
#include "base/unpack.hpp"

#include "logs/msgpack.hpp"
#include "logs/pairs.hpp"
#include "logs/record.hpp"

#include <array>
#include <map>

namespace quern::outputs {
namespace {

using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;
using logs::msgpack::Writer;

constexpr std::size_t kLongestReason = 200;

// [time, record] of an entry: the time as EventTime.
void append_plain(const logs::Entry& entry, Buffer& out) {
  Writer writer(out);
  writer.array(2);
  std::array<std::byte, 8> time{};
  for (unsigned at = 0; at < 4; ++at) {
    time[at] = static_cast<std::byte>(entry.time.seconds >> (24 - 8 * at));
    time[4 + at] = static_cast<std::byte>(entry.time.nanoseconds >> (24 - 8 * at));
  }
  writer.extension(0, time);
  writer.raw(entry.record);
}

void append_with_metadata(const logs::Entry& entry, Buffer& out) {
  logs::Batch one;
  one.add(entry);
  const Buffer& bytes = one.runs().front().entries;
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::string text_at(Reader& reader) {
  const Result<ByteView> object = reader.skip();
  return object.ok() ? std::string(logs::text_of(*object).value_or("")) : std::string();
}

Failure no_handshake(std::string_view why) {
  return fail(ErrorKind::corrupt_data, "no Forward handshake: " + std::string(why));
}

}  // namespace

std::vector<TagEntries> entries_by_tag(const logs::Batch& batch, const ForwardForm& form) {
  std::vector<TagEntries> all;
  std::map<std::string_view, std::size_t> places;
  for (const logs::Entry& entry : batch) {
    const std::string_view tag = form.tag.empty() ? entry.tag : std::string_view(form.tag);
    const auto [place, is_new] = places.try_emplace(tag, all.size());
    if (is_new) all.push_back({.tag = std::string(tag), .entries = {}});
    TagEntries& entries = all[place->second];
    ++entries.count;
    if (form.metadata == Metadata::sent) {
      append_with_metadata(entry, entries.entries);
    } else {
      append_plain(entry, entries.entries);
    }
  }
  return all;
}

Buffer packed_message(const TagEntries& entries, const ForwardForm& form, std::string_view chunk) {
  const bool gzip = form.packing == Packing::gzip;
  const Buffer packed = gzip ? pack(entries.entries) : Buffer();
  const ByteView bytes = gzip ? ByteView(packed) : ByteView(entries.entries);
  Buffer message;
  message.reserve(bytes.size() + entries.tag.size() + 128);
  Writer writer(message);
  writer.array(3);
  writer.string(entries.tag);
  writer.binary(bytes);
  writer.map(1U + (gzip ? 1U : 0U) + (chunk.empty() ? 0U : 1U));
  writer.string("size");
  writer.natural(entries.count);
  if (gzip) {
    writer.string("compressed");
    writer.string("gzip");
  }
  if (!chunk.empty()) {
    writer.string("chunk");
    writer.string(chunk);
  }
  return message;
}

Result<Helo> read_helo(ByteView message) {
  Reader reader(message);
  const Token list = TRY(reader.next());
  if (list.type != Type::array || list.count < 2 || text_at(reader) != "HELO")
    return no_handshake("the peer does not begin with HELO");
  const ByteView options = TRY(reader.skip());
  Helo helo{.nonce = std::string(logs::text_field(options, "nonce").value_or("")),
            .auth = std::string(logs::text_field(options, "auth").value_or(""))};
  if (helo.nonce.empty()) return no_handshake("HELO without a nonce");
  return helo;
}

Buffer ping_message(const Helo& helo, const Credentials& credentials, std::string_view salt) {
  const std::string digest = sha512_hex(
      as_bytes(std::string(salt) + credentials.hostname + helo.nonce + credentials.shared_key));
  const bool with_user = !helo.auth.empty() && !credentials.user.empty();
  const std::string password =
      with_user ? sha512_hex(as_bytes(helo.auth + credentials.user + credentials.password)) : "";
  Buffer message;
  Writer writer(message);
  writer.array(6);
  writer.string("PING");
  writer.string(credentials.hostname);
  writer.string(salt);
  writer.string(digest);
  writer.string(with_user ? credentials.user : "");
  writer.string(password);
  return message;
}

Result<> check_pong(ByteView message, const Helo& helo, const Credentials& credentials,
                    std::string_view salt) {
  Reader reader(message);
  const Token list = TRY(reader.next());
  if (list.type != Type::array || list.count < 5 || text_at(reader) != "PONG")
    return no_handshake("the peer does not answer with PONG");
  const Token allowed = TRY(reader.next());
  const std::string reason = text_at(reader);
  const std::string hostname = text_at(reader);
  const std::string digest = text_at(reader);
  if (allowed.type != Type::boolean || !allowed.truth) {
    return fail(ErrorKind::permission_denied,
                "the peer does not let us in: " + printable(reason, kLongestReason));
  }
  if (hostname == credentials.hostname) {
    return fail(ErrorKind::permission_denied,
                "the peer has the same hostname as we, " + printable(hostname, kLongestReason));
  }
  const std::string wanted =
      sha512_hex(as_bytes(std::string(salt) + hostname + helo.nonce + credentials.shared_key));
  if (digest != wanted)
    return fail(ErrorKind::permission_denied, "the peer does not know the shared key");
  return {};
}

Result<std::string> read_ack(ByteView message) {
  if (const auto chunk = logs::text_field(message, "ack")) return std::string(*chunk);
  if (read_helo(message).ok())
    return fail(ErrorKind::permission_denied, "the peer wants a shared key (shared_key)");
  return fail(ErrorKind::corrupt_data, "the peer sent what is no acknowledgement");
}

}  // namespace quern::outputs
