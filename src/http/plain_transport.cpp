#include "http/socket_transport.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace quern::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

Io io_of(const error_code& ec) {
  if (!ec) return Io::ok;
  return ec == asio::error::eof ? Io::end : Io::broken;
}

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
    error_code ignored;
    socket_.native_non_blocking(true, ignored);
  }

  void start(std::shared_ptr<TransportEvents> events) override {
    asio::post(socket_.get_executor(), [events = std::move(events)] { events->on_ready(Io::ok); });
  }

  void read(std::shared_ptr<TransportEvents> events, std::span<char> into) override {
    socket_.async_read_some(asio::buffer(into.data(), into.size()),
                            [events = std::move(events)](const error_code& ec, std::size_t n) {
                              events->on_read(io_of(ec), n);
                            });
  }

  std::size_t write_now(std::string_view bytes, Io& result) override {
    error_code ec;
    const std::size_t n = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) ec = {};
    result = io_of(ec);
    return ec ? 0 : n;
  }

  void write(std::shared_ptr<TransportEvents> events, std::string_view bytes) override {
    socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                             [events = std::move(events)](const error_code& ec, std::size_t n) {
                               events->on_written(io_of(ec), n);
                             });
  }

  bool broken() override { return has_error(socket_); }

  void shut_write() override {
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }

  void close(Close how) override {
    error_code ignored;
    if (how == Close::reset) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket socket_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(asio::ip::tcp::socket socket) {
  return std::make_unique<PlainTransport>(std::move(socket));
}

}  // namespace quern::http
