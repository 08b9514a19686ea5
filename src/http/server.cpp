#include "base/check.hpp"
#include "base/process.hpp"
#include "http/connection.hpp"
#include "http/http.hpp"
#include "http/loop.hpp"
#include "http/socket_transport.hpp"
#include "http/tls_context.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

namespace quern::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr int kBacklog = 1024;
constexpr std::uint32_t kMaxRefused = 128;  // beyond, connections too many get no 503, only an end
constexpr auto kNoDescriptors = std::chrono::milliseconds(50);  // pause when accept() has none

// Deadlines are seen at most a quarter of the shortest one late.
std::chrono::milliseconds tick_for(const ServerOptions& options) {
  const auto shortest = std::min(
      {options.header_timeout, options.body_timeout, options.idle_timeout, options.write_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(250));
}

// An IP address, with or without brackets, "localhost", or a name out of DNS.
Result<Tcp::endpoint> resolve(const ServerOptions& options) {
  std::string host = options.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host == "localhost") host = "127.0.0.1";
  error_code ec;
  const auto address = asio::ip::make_address(host, ec);
  if (!ec) return Tcp::endpoint(address, options.port);
  asio::io_context context;
  Tcp::resolver resolver(context);
  const auto found = resolver.resolve(host, std::to_string(options.port), ec);
  if (ec || found.empty()) {
    return fail(ErrorKind::invalid_argument,
                "\"" + options.host + "\" is not an address of this machine");
  }
  return found.begin()->endpoint();
}

Failure listen_problem(const error_code& ec, const ServerOptions& options) {
  const std::string where = options.host + ", port " + std::to_string(options.port);
  if (ec == asio::error::address_in_use) {
    return fail(ErrorKind::already_exists, "another program listens on " + where +
                                               " already; choose another port with --port");
  }
  if (ec == asio::error::access_denied) {
    return fail(ErrorKind::permission_denied,
                "listening on " + where + " is not allowed; choose a port above 1023 with --port");
  }
  if (ec == boost::system::errc::address_not_available) {
    return fail(ErrorKind::invalid_argument, "this machine has no address " + options.host);
  }
  return fail(ErrorKind::unavailable, "cannot listen on " + where + ": " + ec.message());
}

std::string peer_of(const Tcp::socket& socket) {
  error_code ec;
  const auto endpoint = socket.remote_endpoint(ec);
  if (ec) return {};
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

// Accepts on the first loop and deals connections out to all of them in turn.
class TcpServer final : public Server {
 public:
  TcpServer(ServerOptions options, Handler& handler, std::unique_ptr<asio::ssl::context> tls)
      : state_(std::make_shared<ServerState>()), tls_(std::move(tls)) {
    state_->options = std::move(options);
    state_->handler = &handler;
    const std::uint32_t processors = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
    const std::uint32_t wanted = state_->options.threads;
    for (std::uint32_t i = 0; i < (wanted == 0 ? processors : wanted); ++i) {
      loops_.push_back(std::make_shared<Loop>(tick_for(state_->options)));
    }
    acceptor_.emplace(loops_.front()->context());
    pause_.emplace(loops_.front()->context());
  }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  ~TcpServer() override { drain(Deadline::in(std::chrono::milliseconds(0))); }

  Result<> open() {
    const Tcp::endpoint endpoint = TRY(resolve(state_->options));
    error_code ec;
    acceptor_->open(endpoint.protocol(), ec);
    if (!ec) acceptor_->set_option(Tcp::acceptor::reuse_address(true), ec);
    if (!ec && endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
      acceptor_->set_option(asio::ip::v6_only(false), ec);
    }
    if (!ec) acceptor_->bind(endpoint, ec);
    if (!ec) acceptor_->listen(kBacklog, ec);
    if (ec) return listen_problem(ec, state_->options);
    port_ = acceptor_->local_endpoint(ec).port();
    accept();
    for (const auto& loop : loops_) {
      threads_.emplace_back([loop] {
        name_this_thread("quern-http");
        loop->run();
      });
    }
    return {};
  }

  std::uint16_t port() const override { return port_; }
  std::uint32_t connections() const override { return state_->connections; }

  void drain(Deadline deadline) override {
    if (drained_) return;
    drained_ = true;
    CHECK(std::none_of(loops_.begin(), loops_.end(), [](const auto& l) { return l->on_thread(); }),
          "drain() waits for the io threads and may not be called on one");
    state_->draining = true;
    loops_.front()->post([this] {
      error_code ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    if (!threads_.empty()) wait_for_exchanges(deadline);
    for (const auto& loop : loops_) loop->stop();
    threads_.clear();  // joins
    acceptor_.reset();
    pause_.reset();
    for (const auto& loop : loops_) loop->end();
  }

 private:
  void wait_for_exchanges(Deadline deadline) {
    for (const auto& loop : loops_) {
      loop->post([raw = loop.get()] {
        raw->for_each([](Connection& connection) { connection.close_if_idle(); });
      });
    }
    std::unique_lock lock(state_->mutex);
    const auto all_gone = [this] { return state_->connections == 0 && state_->refused == 0; };
    if (deadline.is_never()) {
      state_->changed.wait(lock, all_gone);
    } else {
      state_->changed.wait_until(lock, deadline.when(), all_gone);
    }
  }

  void accept() {
    const auto& loop = loops_[next_loop_++ % loops_.size()];
    acceptor_->async_accept(loop->context(),
                            [this, loop](const error_code& ec, Tcp::socket socket) {
                              if (!acceptor_->is_open()) return;
                              if (!ec) {
                                admit(loop, std::move(socket));
                                return accept();
                              }
                              // Out of descriptors or the like: whoever waits in the backlog can
                              // wait a little longer.
                              pause_->expires_after(kNoDescriptors);
                              pause_->async_wait([this](const error_code& cancelled) {
                                if (!cancelled) accept();
                              });
                            });
  }

  void admit(const std::shared_ptr<Loop>& loop, Tcp::socket socket) {
    bool refused = false;
    {
      const std::lock_guard held(state_->mutex);
      refused = state_->connections >= state_->options.max_connections;
      if (refused && (state_->refused >= kMaxRefused || tls_ != nullptr)) return;
      ++(refused ? state_->refused : state_->connections);
    }
    error_code ignored;
    socket.set_option(Tcp::no_delay(true), ignored);
    Connection::Parts parts{.loop = loop,
                            .state = state_,
                            .transport = nullptr,
                            .peer = peer_of(socket),
                            .tls = tls_ != nullptr,
                            .refused = refused};
    parts.transport = tls_ ? make_tls_transport(std::move(socket), *tls_)
                           : make_plain_transport(std::move(socket));
    auto connection = std::make_shared<Connection>(std::move(parts));
    // Nobody else can end this loop's posts now: only drain() does, after this thread is joined.
    loop->later([loop, connection] {
      loop->add(connection);
      connection->start();
    });
  }

  const std::shared_ptr<ServerState> state_;
  const std::shared_ptr<asio::ssl::context> tls_;
  std::vector<std::shared_ptr<Loop>> loops_;
  std::optional<Tcp::acceptor> acceptor_;
  std::optional<asio::steady_timer> pause_;
  std::size_t next_loop_ = 0;
  std::uint16_t port_ = 0;
  bool drained_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, Handler& handler) {
  std::unique_ptr<asio::ssl::context> tls;
  if (options.tls) tls = TRY(make_tls_context(*options.tls));
  auto server = std::make_unique<TcpServer>(std::move(options), handler, std::move(tls));
  TRY(server->open());
  return server;
}

}  // namespace quern::http
