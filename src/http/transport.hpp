// The byte stream under a connection: a TCP socket, plain or with TLS.
//
// Used on its loop's thread only. At most one read and one write are in progress. Results arrive
// as events from the loop, never from inside the call that started them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace quern::http {

enum class Io : std::uint8_t { ok, end, broken };

class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  virtual void on_ready(Io result) = 0;                    // start() is over
  virtual void on_read(Io result, std::size_t bytes) = 0;  // bytes > 0 when ok
  virtual void on_written(Io result, std::size_t bytes) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // The TLS handshake; plain sockets are ready at once. `events` is kept alive by every
  // operation in progress.
  virtual void start(std::shared_ptr<TransportEvents> events) = 0;
  virtual void read(std::shared_ptr<TransportEvents> events, std::span<char> into) = 0;
  // What the socket takes at once, without an event; 0 where that cannot be known (TLS).
  virtual std::size_t write_now(std::string_view bytes, Io& result) = 0;
  // `bytes` stay where they are until on_written.
  virtual void write(std::shared_ptr<TransportEvents> events, std::string_view bytes) = 0;
  // Did the peer reset the connection? Seen without a read or write in progress.
  virtual bool broken() = 0;
  // No more bytes to the peer; reading goes on.
  virtual void shut_write() = 0;
  enum class Close : std::uint8_t { orderly, reset };
  virtual void close(Close how) = 0;
};

}  // namespace quern::http
