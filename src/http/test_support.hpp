// What http's tests share: a server around a lambda, a client that sends any bytes, a certificate.
#pragma once

#include "base/unique_fd.hpp"
#include "http/http.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace quern::http::test {

using std::chrono::milliseconds;

class LambdaHandler final : public Handler {
 public:
  using Handle = std::function<void(std::shared_ptr<Exchange>)>;
  explicit LambdaHandler(Handle handle) : handle_(std::move(handle)) {}
  void handle(std::shared_ptr<Exchange> exchange) override { handle_(std::move(exchange)); }

 private:
  Handle handle_;
};

// A server that runs while it lives.
class TestServer {
 public:
  explicit TestServer(LambdaHandler::Handle handle, ServerOptions options = {});
  std::uint16_t port() const { return server_->port(); }
  std::string url(std::string_view target, bool tls = false) const;
  Server& server() { return *server_; }
  void stop() { server_.reset(); }

 private:
  LambdaHandler handler_;
  std::unique_ptr<Server> server_;
};

// Answers with what arrived: "METHOD target host=HOST body=BODY\n".
void echo(const std::shared_ptr<Exchange>& exchange);
// Reads the whole body, then calls `done` with it or with the error.
void read_all(const std::shared_ptr<Exchange>& exchange,
              std::function<void(Result<std::string>)> done);

// A TCP client that sends what it is told and waits at most five seconds.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, const char* host = "127.0.0.1");
  void send(std::string_view bytes);
  // As many as the socket takes without waiting.
  std::size_t send_some(std::string_view bytes);
  void shut_write();
  // Until the text ends like that, the peer closes, or time is up.
  std::string receive_until(std::string_view end);
  std::string receive_all(milliseconds wait = milliseconds(5000));
  // The next response with content-length.
  std::string receive_response();
  // Did the peer close (or reset) within this time? Throws away what it sends.
  bool closed_within(milliseconds wait);
  void set_receive_buffer(int bytes);
  void reset();  // RST
  int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
  std::string held_;
};

// A listening socket that plays a server from a script: each accepted connection goes to `serve`.
class ScriptedPeer {
 public:
  using Serve = std::function<void(int socket, int connection)>;
  explicit ScriptedPeer(Serve serve);
  ~ScriptedPeer();
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;
  std::uint16_t port() const { return port_; }
  std::string url(std::string_view target) const;
  // Reads a head from a socket.
  static std::string read_head(int socket);
  static void write(int socket, std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::uint16_t port_ = 0;
};

// Carries bytes both ways between two sockets until one ends.
void relay(int one, int other);

// A folder that goes away with it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A self-signed certificate for `host` in a folder; it is its own root.
TlsFiles make_certificate(const std::filesystem::path& folder, const std::string& host);

// Waits until `done()`, at most five seconds.
bool eventually(const std::function<bool()>& done);

}  // namespace quern::http::test
