#include "http/socket_transport.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace quern::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// A peer that hangs up without TLS's goodbye is a peer that hung up: HTTP has its own end marks.
Io io_of(const error_code& ec) {
  if (!ec) return Io::ok;
  const bool end = ec == asio::error::eof || ec == asio::ssl::error::stream_truncated;
  return end ? Io::end : Io::broken;
}

// Shared with its operations: a close may come while the library still works on the stream.
using Stream = asio::ssl::stream<asio::ip::tcp::socket>;

class TlsTransport final : public Transport {
 public:
  TlsTransport(asio::ip::tcp::socket socket, asio::ssl::context& context)
      : stream_(std::make_shared<Stream>(std::move(socket), context)) {}

  void start(std::shared_ptr<TransportEvents> events) override {
    stream_->async_handshake(asio::ssl::stream_base::server,
                             [stream = stream_, events = std::move(events)](const error_code& ec) {
                               events->on_ready(io_of(ec));
                             });
  }

  void read(std::shared_ptr<TransportEvents> events, std::span<char> into) override {
    stream_->async_read_some(
        asio::buffer(into.data(), into.size()),
        [stream = stream_, events = std::move(events)](const error_code& ec, std::size_t n) {
          events->on_read(io_of(ec), n);
        });
  }

  std::size_t write_now(std::string_view, Io& result) override {
    result = Io::ok;
    return 0;
  }

  void write(std::shared_ptr<TransportEvents> events, std::string_view bytes) override {
    stream_->async_write_some(
        asio::buffer(bytes.data(), bytes.size()),
        [stream = stream_, events = std::move(events)](const error_code& ec, std::size_t n) {
          events->on_written(io_of(ec), n);
        });
  }

  bool broken() override { return has_error(stream_->next_layer()); }

  // Says goodbye in TLS; its end (or failure) does not matter, the socket's end follows.
  void shut_write() override {
    stream_->async_shutdown([stream = stream_](const error_code&) {
      error_code ignored;
      stream->next_layer().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    });
  }

  void close(Close how) override {
    error_code ignored;
    auto& socket = stream_->next_layer();
    if (how == Close::reset) socket.set_option(asio::socket_base::linger(true, 0), ignored);
    socket.close(ignored);
  }

 private:
  std::shared_ptr<Stream> stream_;
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(asio::ip::tcp::socket socket,
                                              asio::ssl::context& context) {
  return std::make_unique<TlsTransport>(std::move(socket), context);
}

}  // namespace quern::http
