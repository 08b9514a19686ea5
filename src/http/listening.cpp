#include "http/listening.hpp"

#include "http/socket_wait.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

namespace quern::http {
namespace {

constexpr int kBacklog = 1024;

struct FreeAddresses {
  void operator()(addrinfo* found) const noexcept { ::freeaddrinfo(found); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> find_address(std::string host, std::uint16_t port, int type) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo wanted{};
  wanted.ai_socktype = type;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  Addresses addresses(found);
  if (problem != 0 || !addresses) {
    return fail(ErrorKind::invalid_argument, "\"" + host + "\" is no address of this machine: " +
                                                 std::string(::gai_strerror(problem)));
  }
  return addresses;
}

Failure bind_problem(const std::string& where, int problem) {
  switch (problem) {
    case EADDRINUSE:
      return fail(ErrorKind::already_exists, "another program listens on " + where + " already");
    case EACCES:
      return fail(ErrorKind::permission_denied,
                  "listening on " + where + " is not allowed; choose a port above 1023");
    case EADDRNOTAVAIL:
      return fail(ErrorKind::invalid_argument, "this machine has no address for " + where);
    default:
      return fail(ErrorKind::unavailable,
                  "cannot listen on " + where + ": " + problem_text(problem));
  }
}

std::uint16_t port_of(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

Result<BoundSocket> bind_socket(const std::string& host, std::uint16_t port, int type) {
  const std::string where = host + ", port " + std::to_string(port);
  const Addresses found = TRY(find_address(host, port, type));
  BoundSocket bound{
      .socket = UniqueFd(::socket(found->ai_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))};
  const int socket = bound.socket.get();
  if (socket < 0) return bind_problem(where, errno);
  const int on = 1;
  // A datagram socket of two programs would share its port out between them.
  if (type == SOCK_STREAM) ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket, found->ai_addr, found->ai_addrlen) != 0) return bind_problem(where, errno);
  if (type == SOCK_STREAM && ::listen(socket, kBacklog) != 0) return bind_problem(where, errno);
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size);
  bound.port = port_of(own);
  return bound;
}

std::string address_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const std::string port = ":" + std::to_string(port_of(address));
  if (address.ss_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
    if (::inet_ntop(AF_INET, &ip, text.data(), text.size()) == nullptr) return {};
    return text.data() + port;
  }
  if (address.ss_family != AF_INET6) return {};
  const auto& ip = reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
  if (::inet_ntop(AF_INET6, &ip, text.data(), text.size()) == nullptr) return {};
  return "[" + std::string(text.data()) + "]" + port;
}

std::string peer_text(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return address_text(address);
}

}  // namespace quern::http
