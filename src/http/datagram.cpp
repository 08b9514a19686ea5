#include "http/listening.hpp"
#include "http/long_count.hpp"
#include "http/socket_wait.hpp"
#include "http/stream.hpp"

#include <linux/sock_diag.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace quern::http {
namespace {

constexpr std::size_t kLargest = 64 * 1024;

// The system drops what does not fit. Who administers the network may pass its own bound
// (net.core.rmem_max).
void set_receive_buffer(int socket, Bytes wanted) {
  const int bytes =
      static_cast<int>(std::min<std::uint64_t>(wanted.count, std::numeric_limits<int>::max() / 2));
  if (::setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

class UdpServer final : public DatagramServer {
 public:
  UdpServer(BoundSocket bound, Bytes receive_buffer) : bound_(std::move(bound)), buffer_(kLargest) {
    set_receive_buffer(bound_.socket.get(), receive_buffer);
  }

  std::uint16_t port() const override { return bound_.port; }

  Result<Datagram> receive(Deadline deadline, const std::stop_token& stop) override {
    for (;;) {
      from_size_ = sizeof from_;
      const ssize_t got = ::recvfrom(bound_.socket.get(), buffer_.data(), buffer_.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from_), &from_size_);
      if (got >= 0) {
        // A sender that never pauses must not hold up a stop.
        if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
        return Datagram{.bytes = {buffer_.begin(), buffer_.begin() + got},
                        .peer = address_text(from_)};
      }
      if (errno == EAGAIN) TRY(waiter_.wait(bound_.socket.get(), POLLIN, deadline, stop));
      // Others tell of earlier datagrams (ICMP) or of a signal.
      else if (errno != EINTR && errno != ECONNREFUSED)
        return fail(ErrorKind::unavailable, "receiving datagrams: " + problem_text(errno));
    }
  }

  void answer(ByteView bytes) override {
    (void)::sendto(bound_.socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<const sockaddr*>(&from_), from_size_);
  }

  // The system's count has 32 bits, and is told at any time; what SO_RXQ_OVFL says comes with the
  // next datagram only, if there is one.
  std::uint64_t dropped() const override {
    std::array<std::uint32_t, SK_MEMINFO_VARS> told{};
    socklen_t size = sizeof told;
    if (::getsockopt(bound_.socket.get(), SOL_SOCKET, SO_MEMINFO, told.data(), &size) != 0 ||
        size <= SK_MEMINFO_DROPS * sizeof(std::uint32_t))
      return dropped_.value();
    return dropped_.follow(told[SK_MEMINFO_DROPS]);
  }

  Bytes receive_buffer() const override {
    int bytes = 0;
    socklen_t size = sizeof bytes;
    ::getsockopt(bound_.socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes, &size);
    // It counts what it needs for itself as much again.
    return {static_cast<std::uint64_t>(bytes) / 2};
  }

 private:
  BoundSocket bound_;
  SocketWait waiter_;
  Buffer buffer_;
  sockaddr_storage from_{};
  socklen_t from_size_ = 0;
  mutable LongCount dropped_;
};

}  // namespace

Result<std::unique_ptr<DatagramServer>> DatagramServer::listen(const std::string& host,
                                                               std::uint16_t port,
                                                               Bytes receive_buffer) {
  BoundSocket bound = TRY(bind_socket(host, port, SOCK_DGRAM));
  return std::make_unique<UdpServer>(std::move(bound), receive_buffer);
}

}  // namespace quern::http
