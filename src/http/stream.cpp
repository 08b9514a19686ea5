#include "http/stream.hpp"

#include "http/listening.hpp"
#include "http/no_sigpipe.hpp"
#include "http/resolver.hpp"
#include "http/tls_context.hpp"
#include "http/trust.hpp"
#include "http/wire.hpp"
#include "http/wire_stream.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace quern::http {
namespace {

// OpenSSL counts with an int; what is larger goes out in pieces.
constexpr std::size_t kPiece = std::size_t{1} << 20U;

class WireStream final : public Stream {
 public:
  WireStream(Wire wire, std::string peer) : wire_(std::move(wire)), peer_(std::move(peer)) {}

  Result<std::size_t> read(std::span<std::byte> into, Deadline deadline,
                           const std::stop_token& stop) override {
    std::optional<NoSigpipe> quiet;
    if (wire_.uses_tls()) quiet.emplace();
    wire_.set_patience({.stop = stop, .until = deadline});
    const std::size_t got =
        TRY(wire_.read({reinterpret_cast<char*>(into.data()), std::min(into.size(), kPiece)}));
    if (got == 0 && wire_.cut_off())
      return fail(ErrorKind::unavailable, "the connection ended without TLS's goodbye");
    return got;
  }

  Result<> write(ByteView bytes, Deadline deadline, const std::stop_token& stop) override {
    std::optional<NoSigpipe> quiet;
    if (wire_.uses_tls()) quiet.emplace();
    wire_.set_patience({.stop = stop, .until = deadline});
    while (!bytes.empty()) {
      const ByteView piece = bytes.first(std::min(bytes.size(), kPiece));
      TRY(wire_.write(as_text(piece)));
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }

  std::string peer() const override { return peer_; }

 private:
  Wire wire_;
  std::string peer_;
};

}  // namespace

std::unique_ptr<Stream> make_stream(Wire wire) {
  std::string peer = peer_text(wire.socket());
  return std::make_unique<WireStream>(std::move(wire), std::move(peer));
}

Result<std::unique_ptr<Stream>> connect_stream(const StreamTarget& target, Deadline deadline,
                                               const std::stop_token& stop) {
  const std::string where = target.host + ":" + std::to_string(target.port);
  Resolver resolver;
  const auto addresses = TRY(resolver.lookup(target.host, target.port, deadline, stop));
  Wire wire =
      TRY(Wire::connect(addresses, deadline, {.stop = stop, .until = deadline}).context(where));
  if (target.tls) {
    const NoSigpipe quiet;
    const SslContext trust = TRY(make_trust(target.ca_file));
    // It is not HTTP that is spoken here.
    SSL_CTX_set_alpn_protos(trust.get(), nullptr, 0);
    TRY(wire.secure(trust.get(), target.host, deadline).context(where));
  }
  return make_stream(std::move(wire));
}

}  // namespace quern::http
