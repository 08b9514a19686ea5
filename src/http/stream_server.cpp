#include "base/log.hpp"
#include "base/process.hpp"
#include "http/listening.hpp"
#include "http/no_sigpipe.hpp"
#include "http/socket_wait.hpp"
#include "http/stream.hpp"
#include "http/tls_context.hpp"
#include "http/wire.hpp"
#include "http/wire_stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <atomic>
#include <cerrno>
#include <list>
#include <system_error>
#include <thread>
#include <utility>

namespace quern::http {
namespace {

// The pause when the system has no descriptor left for a connection.
constexpr std::chrono::milliseconds kNoDescriptors(50);

using TlsContext = std::unique_ptr<boost::asio::ssl::context>;

Result<TlsContext> context_for(const StreamServerOptions& options) {
  if (!options.tls) return TlsContext();
  TlsContext context = TRY(make_tls_context(*options.tls));
  // It is not HTTP that is spoken here, and a text that was cut off must not look whole.
  SSL_CTX_set_alpn_select_cb(context->native_handle(), nullptr, nullptr);
  SSL_CTX_clear_options(context->native_handle(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  return context;
}

class ThreadedServer final : public StreamServer {
 public:
  ThreadedServer(StreamServerOptions options, Serve serve, BoundSocket bound, TlsContext tls)
      : options_(std::move(options)),
        serve_(std::move(serve)),
        bound_(std::move(bound)),
        tls_(std::move(tls)),
        acceptor_([this](const std::stop_token& stop) { accept_all(stop); }) {}
  ThreadedServer(const ThreadedServer&) = delete;
  ThreadedServer& operator=(const ThreadedServer&) = delete;
  ~ThreadedServer() override = default;  // acceptor_ goes first, and joins the others at its end

  std::uint16_t port() const override { return bound_.port; }
  std::uint64_t refused() const override { return refused_; }
  std::uint64_t tls_failed() const override { return tls_failed_; }

 private:
  struct Connection {
    std::atomic<bool> over{false};
    std::jthread thread;  // after `over`, which it sets
  };

  void accept_all(const std::stop_token& stop) {
    name_this_thread(options_.thread_name);
    SocketWait waiter;
    std::list<Connection> connections;  // its end stops and joins them all
    while (waiter.wait(bound_.socket.get(), POLLIN, Deadline::never(), stop).ok()) {
      UniqueFd socket(
          ::accept4(bound_.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      const int problem = errno;
      connections.remove_if([](const Connection& old) { return old.over.load(); });
      if (socket) {
        begin(connections, std::move(socket));
      } else if (problem == EMFILE || problem == ENFILE || problem == ENOBUFS ||
                 problem == ENOMEM) {
        std::this_thread::sleep_for(kNoDescriptors);
      }
    }
    for (Connection& connection : connections) connection.thread.request_stop();
  }

  void begin(std::list<Connection>& connections, UniqueFd socket) {
    if (connections.size() >= options_.max_connections) {
      ++refused_;
      return;
    }
    Connection& fresh = connections.emplace_back();
    try {
      fresh.thread = std::jthread(
          [this, &fresh, held = std::move(socket)](const std::stop_token& stop) mutable {
            serve_one(std::move(held), stop);
            fresh.over = true;
          });
    } catch (const std::system_error&) {  // no thread to be had
      connections.pop_back();
      ++refused_;
    }
  }

  void serve_one(UniqueFd socket, const std::stop_token& stop) noexcept {
    name_this_thread(options_.thread_name);
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    Wire wire(std::move(socket), {.stop = stop});
    if (tls_) {
      const NoSigpipe quiet;
      const Result<> agreed =
          wire.accept_tls(tls_->native_handle(), Deadline::in(options_.tls_timeout));
      if (!agreed.ok()) {
        if (!stop.stop_requested()) ++tls_failed_;
        log::debug("http", peer_text(wire.socket()) + ": " + agreed.error().describe());
        return;
      }
    }
    const std::unique_ptr<Stream> stream = make_stream(std::move(wire));
    serve_(*stream, stop);
  }

  const StreamServerOptions options_;
  const Serve serve_;
  const BoundSocket bound_;
  const TlsContext tls_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> tls_failed_{0};
  std::jthread acceptor_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<StreamServer>> StreamServer::listen(StreamServerOptions options,
                                                           Serve serve) {
  TlsContext tls = TRY(context_for(options));
  BoundSocket bound = TRY(bind_socket(options.host, options.port, SOCK_STREAM));
  return std::make_unique<ThreadedServer>(std::move(options), std::move(serve), std::move(bound),
                                          std::move(tls));
}

}  // namespace quern::http
