#include "inputs/forward_handshake.hpp"

#include "base/sha512.hpp"

#include "inputs/listening.hpp"
#include "logs/msgpack.hpp"
#include <sys/random.h>

#include <array>
#include <string_view>
#include <utility>

namespace quern::inputs {
namespace {

using logs::msgpack::Reader;
using logs::msgpack::Token;
using logs::msgpack::Type;
using logs::msgpack::Writer;

constexpr std::size_t kNonce = 16;

std::string random_bytes() {
  std::string bytes(kNonce, '\0');
  CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(kNonce),
        "the system has no random numbers");
  return bytes;
}

struct Ping {
  std::string host, salt, key_digest, user, password_digest;
};

Result<Ping> read_ping(ByteView bytes) {
  const auto no_ping = [] {
    return fail(ErrorKind::corrupt_data, "the peer answers HELO with something other than PING");
  };
  Reader reader(bytes);
  const Token whole = TRY(reader.next());
  if (whole.type != Type::array || whole.count != 6) return no_ping();
  std::array<std::string, 6> texts;
  for (std::string& text : texts) {
    const Token token = TRY(reader.next());
    if (token.type != Type::string && token.type != Type::binary && token.type != Type::nil)
      return no_ping();
    text = as_text(token.bytes);
  }
  if (texts[0] != "PING") return no_ping();
  return Ping{std::move(texts[1]), std::move(texts[2]), std::move(texts[3]), std::move(texts[4]),
              std::move(texts[5])};
}

std::string digest(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return sha512_hex(as_bytes(text));
}

}  // namespace

ForwardHandshake::ForwardHandshake(const ForwardSecrets& secrets)
    : secrets_(secrets),
      nonce_(random_bytes()),
      auth_salt_(secrets.users.empty() ? std::string() : random_bytes()) {}

Buffer ForwardHandshake::hello() const {
  Buffer message;
  Writer writer(message);
  writer.array(2);
  writer.string("HELO");
  writer.map(3);
  writer.string("nonce");
  writer.binary(as_bytes(nonce_));
  writer.string("auth");
  writer.binary(as_bytes(auth_salt_));
  writer.string("keepalive");
  writer.boolean(true);
  return message;
}

Result<ForwardHandshake::Answer> ForwardHandshake::check(ByteView bytes) const {
  const Ping ping = TRY(read_ping(bytes));
  Answer answer;
  const std::string wanted = digest({ping.salt, ping.host, nonce_, secrets_.shared_key});
  if (!same_secret(ping.key_digest, wanted)) {
    answer.refusal = "shared_key mismatch";
  } else if (!secrets_.users.empty()) {
    const auto user = secrets_.users.find(ping.user);
    // An unknown user costs as much time as a wrong password.
    const std::string password = user == secrets_.users.end() ? random_bytes() : user->second;
    if (!same_secret(ping.password_digest, digest({auth_salt_, ping.user, password})))
      answer.refusal = "username/password mismatch";
  }
  Writer writer(answer.pong);
  writer.array(5);
  writer.string("PONG");
  writer.boolean(answer.refusal.empty());
  writer.string(answer.refusal);
  writer.string(answer.refusal.empty() ? secrets_.own_name : "");
  writer.string(answer.refusal.empty()
                    ? digest({ping.salt, secrets_.own_name, nonce_, secrets_.shared_key})
                    : "");
  return answer;
}

}  // namespace quern::inputs
