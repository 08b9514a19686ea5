// Plain streams of bytes and datagrams, for protocols that are not HTTP: blocking, with a deadline
// at every call. TLS as everywhere in this room: 1.2 or newer, peers verified.
//
//     auto server = TRY(StreamServer::listen({.port = 24224}, [&](Stream& peer, std::stop_token
//     stop) {
//       while (auto got = peer.read(buffer, Deadline::in(60s), stop); got.ok() && *got > 0) ...
//     }));
//     auto stream = TRY(connect_stream({.host = "logs", .port = 24224}, Deadline::in(5s), stop));
#pragma once

#include "base/bytes.hpp"
#include "base/deadline.hpp"
#include "base/result.hpp"
#include "http/http.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace quern::http {

// A connection; of one thread at a time. Dropping it closes it.
class Stream {
 public:
  virtual ~Stream() = default;
  // At least one byte, as many as are there; 0 when the peer has ended in order. unavailable: it
  // broke off; deadline_exceeded; cancelled.
  virtual Result<std::size_t> read(std::span<std::byte> into, Deadline deadline,
                                   const std::stop_token& stop) = 0;
  // All of it, with the same errors; after one of them the connection is of no more use.
  virtual Result<> write(ByteView bytes, Deadline deadline, const std::stop_token& stop) = 0;
  // "ip:port".
  virtual std::string peer() const = 0;
};

struct StreamServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;               // 0: any free port
  std::uint32_t max_connections = 256;  // a thread each; more are closed at once, and counted
  std::optional<TlsFiles> tls;
  std::chrono::milliseconds tls_timeout{10'000};  // to agree on TLS; then it is closed, and counted
  std::string thread_name = "quern-stream";       // of its threads; at most 15 bytes
};

class StreamServer {
 public:
  using Serve = std::function<void(Stream& peer, const std::stop_token& stop)>;

  virtual ~StreamServer() = default;  // stops, and waits until every `serve` has returned
  virtual std::uint16_t port() const = 0;
  virtual std::uint64_t refused() const = 0;     // connections, since it listens
  virtual std::uint64_t tls_failed() const = 0;  // likewise, that did not agree on TLS

  // `serve` is called in a thread of the connection's own, which ends with it. already_exists: the
  // port is taken; invalid_argument: no such address.
  static Result<std::unique_ptr<StreamServer>> listen(StreamServerOptions options, Serve serve);
};

struct StreamTarget {
  std::string host;  // a name or an address
  std::uint16_t port = 0;
  bool tls = false;
  std::filesystem::path ca_file;  // as in ClientOptions
};

// unavailable: nobody there, or not who it says it is.
Result<std::unique_ptr<Stream>> connect_stream(const StreamTarget& target, Deadline deadline,
                                               const std::stop_token& stop);

struct Datagram {
  Buffer bytes;
  std::string peer;
};

// Datagrams that come in.
class DatagramServer {
 public:
  virtual ~DatagramServer() = default;
  virtual std::uint16_t port() const = 0;
  // The next one; at most 64 KiB.
  virtual Result<Datagram> receive(Deadline deadline, const std::stop_token& stop) = 0;
  // To whom the last one came from. It may be lost, as any datagram.
  virtual void answer(ByteView bytes) = 0;
  // Datagrams that the system threw away since it listens, because too many waited. Of any thread.
  virtual std::uint64_t dropped() const = 0;
  // What may wait, as the system counts it; perhaps less than was asked for.
  virtual Bytes receive_buffer() const = 0;

  static Result<std::unique_ptr<DatagramServer>> listen(const std::string& host, std::uint16_t port,
                                                        Bytes receive_buffer = 4_MiB);
};

}  // namespace quern::http
