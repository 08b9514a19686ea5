// A connection: blocking calls that end in time, when stopped, or with an error.
//
// Of one thread at a time.
#pragma once

#include "base/deadline.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "http/socket_wait.hpp"

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
    // Longest wait for the peer to take or give a byte.
    std::chrono::milliseconds silence = std::chrono::milliseconds::max();
    Deadline until = Deadline::never();  // of each call as a whole
  };

  // The first of `addresses` that answers. unavailable: none does.
  static Result<Wire> connect(const std::vector<Address>& addresses, Deadline deadline,
                              Patience patience);

  // One that was accepted; `socket` does not block.
  Wire(UniqueFd socket, Patience patience)
      : socket_(std::move(socket)), patience_(std::move(patience)) {}
  // For the calls that follow.
  void set_patience(Patience patience) { patience_ = std::move(patience); }

  // From here on all bytes go through TLS, as its server.
  Result<> accept_tls(SSL_CTX* context, Deadline deadline);
  // From here on all bytes go through TLS; the peer has proved that it is `host`.
  Result<> secure(SSL_CTX* trust, const std::string& host, Deadline deadline);
  Result<> write(std::string_view bytes);
  // At least one byte, or 0 at the end of what the peer sends.
  Result<std::size_t> read(std::span<char> into);
  // The end came without TLS's own goodbye: bytes may be missing.
  bool cut_off() const { return cut_off_; }
  bool uses_tls() const { return tls_ != nullptr; }
  int socket() const { return socket_.get(); }

 private:
  struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  Result<> begin_tls(SSL_CTX* context);
  Result<> wait(short events, Deadline deadline);
  // After an SSL call that returned `result`: waits for what it wants; an error otherwise.
  Result<> wait_for_tls(int result, Deadline deadline, std::string_view doing);
  Deadline silence() const { return Deadline::in(patience_.silence).earlier(patience_.until); }

  UniqueFd socket_;
  SocketWait waiter_;
  Patience patience_;
  std::unique_ptr<SSL, FreeSsl> tls_;  // after socket_: it must not outlive it
  bool cut_off_ = false;
};

}  // namespace quern::http
