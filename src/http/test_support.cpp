#include "http/test_support.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace quern::http::test {
namespace {

bool readable(int fd, milliseconds wait) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, static_cast<int>(wait.count())) > 0;
}

// Bytes, "" at the end or when time is up (then `ended` is false).
std::string receive_some(int fd, milliseconds wait, bool& ended) {
  ended = false;
  if (!readable(fd, wait)) return {};
  std::array<char, 65536> buffer{};
  const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
  if (n <= 0) {
    ended = true;
    return {};
  }
  return {buffer.data(), static_cast<std::size_t>(n)};
}

constexpr milliseconds kPatience(5000);

}  // namespace

TestServer::TestServer(LambdaHandler::Handle handle, ServerOptions options)
    : handler_(std::move(handle)) {
  auto server = Server::listen(std::move(options), handler_);
  if (!server.ok()) throw std::runtime_error(server.error().describe());
  server_ = std::move(*server);
}

std::string TestServer::url(std::string_view target, bool tls) const {
  return (tls ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port()) +
         std::string(target);
}

void read_all(const std::shared_ptr<Exchange>& exchange,
              std::function<void(Result<std::string>)> done) {
  auto body = std::make_shared<std::string>();
  auto step = std::make_shared<std::function<void(Result<Buffer>)>>();
  *step = [exchange, body, done, weak = std::weak_ptr(step)](Result<Buffer> chunk) {
    if (!chunk.ok()) return done(fail(std::move(chunk).error()));
    if (chunk->empty()) return done(*body);
    body->append(as_text(*chunk));
    const auto again = weak.lock();
    exchange->read_body([again](Result<Buffer> next) { (*again)(std::move(next)); });
  };
  exchange->read_body([step](Result<Buffer> chunk) { (*step)(std::move(chunk)); });
}

void echo(const std::shared_ptr<Exchange>& exchange) {
  read_all(exchange, [exchange](const Result<std::string>& body) {
    if (!body.ok()) return;
    const RequestHead& head = exchange->request();
    exchange->respond(
        200, "text/plain",
        head.method + " " + head.target + " host=" + head.authority + " body=" + *body + "\n");
  });
}

RawClient::RawClient(std::uint16_t port, const char* host)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  ::inet_pton(AF_INET, host, &where.sin_addr);
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) {
    throw std::runtime_error("no connection to the test server");
  }
}

void RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return;  // the server may close early; the tests look at what it answered
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::size_t RawClient::send_some(std::string_view bytes) {
  const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

void RawClient::shut_write() { ::shutdown(socket_.get(), SHUT_WR); }

std::string RawClient::receive_until(std::string_view end) {
  bool ended = false;
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::size_t found = held_.find(end);
  while (found == std::string::npos && !ended && std::chrono::steady_clock::now() < until) {
    held_ += receive_some(socket_.get(), milliseconds(100), ended);
    found = held_.find(end);
  }
  const std::size_t size = found == std::string::npos ? held_.size() : found + end.size();
  std::string text = held_.substr(0, size);
  held_.erase(0, size);
  return text;
}

std::string RawClient::receive_all(milliseconds wait) {
  bool ended = false;
  const auto until = std::chrono::steady_clock::now() + wait;
  while (!ended && std::chrono::steady_clock::now() < until) {
    held_ += receive_some(socket_.get(), milliseconds(50), ended);
  }
  return std::exchange(held_, {});
}

std::string RawClient::receive_response() {
  std::string head = receive_until("\r\n\r\n");
  const std::size_t at = head.find("content-length: ");
  std::size_t missing = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
  bool ended = false;
  while (held_.size() < missing && !ended) held_ += receive_some(socket_.get(), kPatience, ended);
  missing = std::min(missing, held_.size());
  head += held_.substr(0, missing);
  held_.erase(0, missing);
  return head;
}

bool RawClient::closed_within(milliseconds wait) {
  bool ended = false;
  const auto until = std::chrono::steady_clock::now() + wait;
  while (!ended && std::chrono::steady_clock::now() < until) {
    receive_some(socket_.get(), milliseconds(10), ended);
  }
  return ended;
}

void RawClient::set_receive_buffer(int bytes) {
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

void RawClient::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  socket_.reset();
}

struct ScriptedPeer::Impl {
  UniqueFd listener;
  std::atomic<bool> stop{false};
  std::thread thread;
};

ScriptedPeer::ScriptedPeer(Serve serve) : impl_(std::make_unique<Impl>()) {
  impl_->listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  if (::bind(impl_->listener.get(), reinterpret_cast<sockaddr*>(&where), size) != 0 ||
      ::listen(impl_->listener.get(), 16) != 0) {
    throw std::runtime_error("no socket for a test");
  }
  ::getsockname(impl_->listener.get(), reinterpret_cast<sockaddr*>(&where), &size);
  port_ = ntohs(where.sin_port);
  impl_->thread = std::thread([impl = impl_.get(), serve = std::move(serve)] {
    for (int connection = 0; !impl->stop;) {
      if (!readable(impl->listener.get(), milliseconds(20))) continue;
      const UniqueFd socket(::accept4(impl->listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (socket) serve(socket.get(), connection++);
    }
  });
}

ScriptedPeer::~ScriptedPeer() {
  impl_->stop = true;
  impl_->thread.join();
}

std::string ScriptedPeer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

std::string ScriptedPeer::read_head(int socket) {
  std::string head;
  bool ended = false;
  while (head.find("\r\n\r\n") == std::string::npos && !ended) {
    if (!readable(socket, kPatience)) break;
    char c = 0;
    ended = ::recv(socket, &c, 1, 0) != 1;
    if (!ended) head += c;
  }
  return head;
}

void ScriptedPeer::write(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void relay(int one, int other) {
  const std::array<std::pair<int, int>, 2> ways = {{{one, other}, {other, one}}};
  for (bool ended = false; !ended;) {
    std::array<pollfd, 2> watched = {{{one, POLLIN, 0}, {other, POLLIN, 0}}};
    if (::poll(watched.data(), watched.size(), static_cast<int>(kPatience.count())) <= 0) return;
    for (std::size_t i = 0; i < ways.size() && !ended; ++i) {
      if (watched[i].revents == 0) continue;
      ScriptedPeer::write(ways[i].second, receive_some(ways[i].first, milliseconds(0), ended));
    }
  }
}

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "quern-http-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TlsFiles make_certificate(const std::filesystem::path& folder, const std::string& host) {
  const TlsFiles files{.certificate = folder / (host + ".crt"), .key = folder / (host + ".key")};
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509* const x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), 3600);
  X509_set_pubkey(x, key.get());
  X509_NAME* const name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
  X509_set_issuer_name(x, name);
  const std::string names = "DNS:" + host;
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str()),
      X509_EXTENSION_free);
  X509_add_ext(x, extension.get(), -1);
  X509_sign(x, key.get(), EVP_sha256());
  const auto write = [](const std::filesystem::path& file, const auto& write_pem) {
    const std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(file.c_str(), "w"), std::fclose);
    write_pem(out.get());
  };
  write(files.certificate, [&](FILE* out) { PEM_write_X509(out, x); });
  write(files.key, [&](FILE* out) {
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

bool eventually(const std::function<bool()>& done) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  // What was true once may not be asked again: the question itself may change it.
  while (!done()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

}  // namespace quern::http::test
