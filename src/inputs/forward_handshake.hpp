// How peers of the Forward protocol prove to each other that they know the same key, and who they
// are (https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.5).
//
//     server: HELO {nonce, auth, keepalive}
//     client: PING host name, salt, digest(key), user, digest(password)
//     server: PONG yes or no, why, host name, digest(key)
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <map>
#include <string>

namespace quern::inputs {

struct ForwardSecrets {
  std::string shared_key;                    // empty: no handshake
  std::map<std::string, std::string> users;  // password by name; none: users are not asked for
  std::string own_name;                      // of this host, as peers see it
};

// Of one connection.
class ForwardHandshake {
 public:
  explicit ForwardHandshake(const ForwardSecrets& secrets);

  // The first message.
  Buffer hello() const;
  struct Answer {
    Buffer pong;
    std::string refusal;  // empty: the peer is who it should be
  };
  // corrupt_data: it is no PING.
  Result<Answer> check(ByteView ping) const;

 private:
  const ForwardSecrets& secrets_;
  std::string nonce_;
  std::string auth_salt_;
};

}  // namespace quern::inputs
