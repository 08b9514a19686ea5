// The client's socket: blocking calls that end in time, when stopped, or with an error.
//
// One thread. Every wait looks at the stop token at least every 50 ms.
#pragma once

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quern::http {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

class Wire {
 public:
  struct Patience {
    std::stop_token stop;
    std::chrono::milliseconds silence{0};  // longest wait for the peer to take or give a byte
  };

  // The first of `addresses` that answers. unavailable: none does.
  static Result<Wire> connect(const std::vector<Address>& addresses, Deadline deadline,
                              Patience patience);

  // From here on all bytes go through TLS; the peer has proved that it is `host`.
  Result<> secure(SSL_CTX* trust, const std::string& host, Deadline deadline);
  Result<> write(std::string_view bytes);
  // At least one byte, or 0 at the end of what the peer sends.
  Result<std::size_t> read(std::span<char> into);
  // The end came without TLS's own goodbye: bytes may be missing.
  bool cut_off() const { return cut_off_; }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  Wire(UniqueFd socket, Patience patience)
      : socket_(std::move(socket)), patience_(std::move(patience)) {}

  Result<> wait(short events, Deadline deadline) const;
  // After an SSL call that returned `result`: waits for what it wants; an error otherwise.
  Result<> wait_for_tls(int result, Deadline deadline, std::string_view doing);
  Deadline silence() const { return Deadline::in(patience_.silence); }

  UniqueFd socket_;
  Patience patience_;
  std::unique_ptr<SSL, FreeSsl> tls_;  // after socket_: it must not outlive it
  bool cut_off_ = false;
};

}  // namespace quern::http
