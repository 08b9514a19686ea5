// Sockets bound to an address of this machine, for servers that speak no HTTP.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace quern::http {

struct BoundSocket {
  UniqueFd socket;  // does not block
  std::uint16_t port = 0;
};

// SOCK_STREAM listens; SOCK_DGRAM is ready to receive. `host` is an address, with or without
// brackets, or a name; port 0 is any free one. already_exists, permission_denied, invalid_argument
// (no address of this machine), else unavailable.
Result<BoundSocket> bind_socket(const std::string& host, std::uint16_t port, int type);

// "ip:port", "[ip]:port" for IPv6; empty for others.
std::string address_text(const sockaddr_storage& address);
// Likewise, of whom a socket is connected to.
std::string peer_text(int socket);

}  // namespace quern::http
