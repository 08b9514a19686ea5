#include "http/listening.hpp"
#include "http/socket_wait.hpp"
#include "http/stream.hpp"

#include <poll.h>

#include <cerrno>

namespace quern::http {
namespace {

constexpr std::size_t kLargest = 64 * 1024;
// What may wait while the reader is busy; the system drops the rest, and holds this to its own
// bound (net.core.rmem_max).
constexpr int kWaiting = 4 * 1024 * 1024;

class UdpServer final : public DatagramServer {
 public:
  explicit UdpServer(BoundSocket bound) : bound_(std::move(bound)), buffer_(kLargest) {
    ::setsockopt(bound_.socket.get(), SOL_SOCKET, SO_RCVBUF, &kWaiting, sizeof kWaiting);
  }

  std::uint16_t port() const override { return bound_.port; }

  Result<Datagram> receive(Deadline deadline, const std::stop_token& stop) override {
    for (;;) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(bound_.socket.get(), buffer_.data(), buffer_.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got >= 0) {
        // A sender that never pauses must not hold up a stop.
        if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
        return Datagram{.bytes = {buffer_.begin(), buffer_.begin() + got},
                        .peer = address_text(from)};
      }
      if (errno == EAGAIN) TRY(waiter_.wait(bound_.socket.get(), POLLIN, deadline, stop));
      // Others tell of earlier datagrams (ICMP) or of a signal.
      else if (errno != EINTR && errno != ECONNREFUSED)
        return fail(ErrorKind::unavailable, "receiving datagrams: " + problem_text(errno));
    }
  }

 private:
  BoundSocket bound_;
  SocketWait waiter_;
  Buffer buffer_;
};

}  // namespace

Result<std::unique_ptr<DatagramServer>> DatagramServer::listen(const std::string& host,
                                                               std::uint16_t port) {
  BoundSocket bound = TRY(bind_socket(host, port, SOCK_DGRAM));
  return std::make_unique<UdpServer>(std::move(bound));
}

}  // namespace quern::http
