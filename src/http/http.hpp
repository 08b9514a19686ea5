// http: sockets, TLS and HTTP/1.1, with limits.
//
// For:     listening (Server) and fetching (Client); streams and datagrams of other protocols
//          (stream.hpp). Knows no word about models or guests.
// Refuses: routing by content, keys, JSON. HTTP/2 stands in front of it for now.
// Owns:    a Server owns its io threads and connections; an Exchange lives until both the handler
//          and the connection have let go of it.
// Threads: handler and callbacks run on io threads and must not block. Exchange's methods may be
//          called from any thread. Client::get blocks its caller.
//          Every answer has an x-request-id, this room's own refusals too; those that no handler
//          saw are a line in the log under it.
// Errors:  invalid_argument (bad address), already_exists (port taken), unavailable (peer),
//          deadline_exceeded, resource_exhausted (a limit), corrupt_data (not HTTP).
//
//     struct Hello final : http::Handler { void handle(std::shared_ptr<Exchange> e) override {...}
//     }; auto server = TRY(http::Server::listen({.port = 8080}, handler));
//     server->drain(Deadline::in(30s));
#pragma once

#include "base/bytes.hpp"
#include "base/deadline.hpp"
#include "base/network.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quern::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct RequestHead {
  std::string method;
  std::string target;     // path and query, as sent
  std::string authority;  // the Host header
  Headers headers;        // names in lower case
  std::string peer;       // "ip:port"
  bool tls = false;
  std::uint64_t number = 0;  // its number in the log
  std::string id;            // and its name outside: the x-request-id of the answer
};

// One request and its response. Thread-safe.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const RequestHead& request() const = 0;
  virtual bool has_body() const = 0;
  // Asks for the next chunk of the body; `got` is called once with it, with an empty buffer at
  // the end, or with an error (too large, too slow, broken off). The socket is read only when
  // asked.
  virtual void read_body(std::function<void(Result<Buffer>)> got) = 0;
  // Sends status and headers, and the request's id where they have none. Without a content-length
  // header the body goes out chunked.
  virtual void send_head(std::uint16_t status, Headers headers) = 0;
  // Sends a chunk; `sent` is called when there is room for the next, or with an error once the
  // client is gone.
  virtual void send_body(Buffer chunk, std::function<void(Result<>)> sent) = 0;
  virtual void finish() = 0;
  // Ends the connection without a proper end, so that the client notices the truncation.
  virtual void abort() = 0;
  // Called once, when the client is gone before finish(); at once if it is already. One that only
  // stopped sending still waits for its answer; one that stopped amid its request is gone.
  virtual void on_gone(std::function<void()> gone) = 0;
  // The whole response in one call.
  void respond(std::uint16_t status, std::string_view content_type, std::string_view body,
               Headers more = {});
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(std::shared_ptr<Exchange> exchange) = 0;
};

struct TlsFiles {
  std::filesystem::path certificate;  // PEM chain
  std::filesystem::path key;          // PEM
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;                            // 0: any free port
  std::uint32_t threads = 0;                         // 0: as many as processors, at most 4
  std::uint32_t max_connections = 1024;              // more are answered 503 and closed
  Bytes max_header{16 * 1024};                       // 431 beyond
  Bytes max_body = 32_MiB;                           // 413 beyond
  std::chrono::milliseconds header_timeout{10'000};  // slow clients: 408
  std::chrono::milliseconds body_timeout{30'000};    // between two chunks of a body: 408
  // What a client must send of a body in each second that it is waited for, on average; 408 for one
  // that is slower once body_grace is over. 0: any pace.
  Bytes body_rate{1024};
  std::chrono::milliseconds body_grace{10'000};
  std::chrono::milliseconds idle_timeout{75'000};   // keep-alive without a request: closed
  std::chrono::milliseconds write_timeout{60'000};  // a client that does not read: closed
  std::optional<TlsFiles> tls;
};

class Server {
 public:
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  virtual std::uint32_t connections() const = 0;
  // Stops accepting, lets exchanges in progress end until the deadline, then closes. Blocks.
  virtual void drain(Deadline deadline) = 0;

  // `handler` must outlive the server.
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, Handler& handler);
};

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{15'000};
  std::chrono::milliseconds read_timeout{60'000};
  std::uint32_t max_redirects = 8;
  // Of send(): connections that are kept behind an answer, and used again by the next request to
  // the same place, but by one with "Connection: close". One that waited longer than idle_time is
  // not used, and closed with the next request to any place. Where a kept one ends before anything
  // is answered, the request goes out once more on a new connection: the server may get it twice.
  // 0: each request has its own.
  std::uint32_t idle_connections = 0;
  std::chrono::milliseconds idle_time{30'000};
  // Root certificates as PEM. Empty: SSL_CERT_FILE, else the system's, else those built in.
  std::filesystem::path ca_file;
};

// HTTP(S) downloads for the catalog: redirects, ranges, HTTPS_PROXY/NO_PROXY, TLS verified always.
std::unique_ptr<Network> make_client(ClientOptions options);

}  // namespace quern::http
