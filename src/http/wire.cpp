#include "http/wire.hpp"

#include "http/tls_context.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace quern::http {
namespace {

Failure lost(std::string_view doing, int problem) {
  return fail(ErrorKind::unavailable,
              "the connection broke while " + std::string(doing) + ": " + problem_text(problem));
}

Result<UniqueFd> try_address(const Address& address, Deadline deadline,
                             const std::stop_token& stop) {
  UniqueFd socket(
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return lost("opening a socket", errno);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* const where = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket.get(), where, address.size) == 0) return socket;
  if (errno != EINPROGRESS) return fail(ErrorKind::unavailable, problem_text(errno));
  TRY(SocketWait().wait(socket.get(), POLLOUT, deadline, stop));
  int problem = 0;
  socklen_t size = sizeof problem;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
  if (problem != 0) return fail(ErrorKind::unavailable, problem_text(problem));
  return socket;
}

}  // namespace

Result<Wire> Wire::connect(const std::vector<Address>& addresses, Deadline deadline,
                           Patience patience) {
  Error last(ErrorKind::unavailable, "no address");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // An address that swallows packets must not eat the time of those behind it.
    const auto share = deadline.left() / static_cast<int>(addresses.size() - i);
    auto socket = try_address(addresses[i], Deadline::in(share), patience.stop);
    if (socket.ok()) return Wire(std::move(*socket), std::move(patience));
    last = std::move(socket).error();
    if (last.kind() == ErrorKind::cancelled) return fail(std::move(last));
  }
  return fail(ErrorKind::unavailable, "no connection: " + last.message());
}

Result<> Wire::wait(short events, Deadline deadline) {
  auto waited = waiter_.wait(socket_.get(), events, deadline, patience_.stop);
  if (!waited.ok() && waited.error().kind() == ErrorKind::deadline_exceeded) {
    return fail(ErrorKind::deadline_exceeded, "the other side is silent");
  }
  return waited;
}

Result<> Wire::wait_for_tls(int result, Deadline deadline, std::string_view doing) {
  const int system_problem = errno;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ: return wait(POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE: return wait(POLLOUT, deadline);
    case SSL_ERROR_SYSCALL: return lost(doing, system_problem);
    default: break;
  }
  const long verdict = SSL_get_verify_result(tls_.get());
  if (verdict != X509_V_OK) {
    ERR_clear_error();
    return fail(ErrorKind::unavailable, std::string("its certificate is not trusted: ") +
                                            X509_verify_cert_error_string(verdict));
  }
  return fail(ErrorKind::unavailable,
              "TLS failed while " + std::string(doing) + ": " + tls_problem());
}

Result<> Wire::begin_tls(SSL_CTX* context) {
  tls_.reset(SSL_new(context));
  if (tls_ && SSL_set_fd(tls_.get(), socket_.get()) == 1) return {};
  return fail(ErrorKind::internal, "TLS does not start: " + tls_problem());
}

Result<> Wire::accept_tls(SSL_CTX* context, Deadline deadline) {
  TRY(begin_tls(context));
  for (;;) {
    ERR_clear_error();
    const int result = SSL_accept(tls_.get());
    if (result == 1) return {};
    TRY(wait_for_tls(result, deadline, "agreeing on TLS"));
  }
}

Result<> Wire::secure(SSL_CTX* trust, const std::string& host, Deadline deadline) {
  TRY(begin_tls(trust));
  X509_VERIFY_PARAM* const check = SSL_get0_param(tls_.get());
  const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str()) == 1;
  if (!is_address) {
    SSL_set_hostflags(tls_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(tls_.get(), host.c_str()) != 1 ||
        SSL_set_tlsext_host_name(tls_.get(), host.c_str()) != 1) {
      return fail(ErrorKind::invalid_argument, "\"" + host + "\" cannot be a host's name");
    }
  }
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(tls_.get());
    if (result == 1) return {};
    TRY(wait_for_tls(result, deadline, "agreeing on TLS"));
  }
}

Result<> Wire::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (tls_) {
      ERR_clear_error();
      const int n = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (n > 0) return {};  // without partial writes, all of it
      TRY(wait_for_tls(n, silence(), "sending"));
      continue;
    }
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      TRY(wait(POLLOUT, silence()));
    } else if (errno != EINTR) {
      return lost("sending", errno);
    }
  }
  return {};
}

Result<std::size_t> Wire::read(std::span<char> into) {
  for (;;) {
    if (patience_.stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
    if (tls_) {
      ERR_clear_error();
      const int n = SSL_read(tls_.get(), into.data(), static_cast<int>(into.size()));
      if (n > 0) return static_cast<std::size_t>(n);
      const int problem = SSL_get_error(tls_.get(), n);
      if (problem == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
      if (problem == SSL_ERROR_SSL &&
          ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        cut_off_ = true;
        return std::size_t{0};
      }
      TRY(wait_for_tls(n, silence(), "receiving"));
      continue;
    }
    const ssize_t n = ::recv(socket_.get(), into.data(), into.size(), 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) {
      TRY(wait(POLLIN, silence()));
    } else if (errno != EINTR) {
      return lost("receiving", errno);
    }
  }
}

}  // namespace quern::http
