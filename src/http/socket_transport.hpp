// Makes transports out of accepted sockets. Where Asio's sockets are named.
#pragma once

#include "http/transport.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <sys/socket.h>

#include <memory>

namespace quern::http {

// The socket's pending error, which a reset leaves behind.
inline bool has_error(boost::asio::ip::tcp::socket& socket) {
  int error = 0;
  socklen_t size = sizeof(error);
  const int asked = ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size);
  return asked != 0 || error != 0;
}

std::unique_ptr<Transport> make_plain_transport(boost::asio::ip::tcp::socket socket);
std::unique_ptr<Transport> make_tls_transport(boost::asio::ip::tcp::socket socket,
                                              boost::asio::ssl::context& context);

}  // namespace quern::http
