#include "inputs/listening.hpp"

#include "base/host_port.hpp"

#include <utility>

namespace quern::inputs {
namespace {

constexpr std::uint64_t kMostConnections = 16'384;

// A port alone is one of this machine.
Result<HostPort> read_address(const std::string& text) {
  const bool bare = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return parse_host_port(bare ? "127.0.0.1:" + text : text);
}

}  // namespace

Result<Listening> read_listening(Settings& settings, const logs::StageWorld& world,
                                 std::uint16_t fallback) {
  Listening listening;
  const std::string text = TRY(settings.text_or("listen", "127.0.0.1:" + std::to_string(fallback)));
  Result<HostPort> address = read_address(text);
  if (!address.ok()) return settings.wrong("listen", address.error().message());
  listening.host = std::move(address->host);
  listening.port = address->port;
  const std::string certificate = TRY(settings.text_or("tls_certificate", ""));
  const std::string key = TRY(settings.text_or("tls_key", ""));
  if (certificate.empty() != key.empty())
    return settings.wrong("tls_certificate", "and tls_key belong together");
  if (!key.empty()) {
    listening.tls =
        http::TlsFiles{.certificate = world.beside / certificate, .key = world.beside / key};
  }
  listening.max_connections = static_cast<std::uint32_t>(
      TRY(settings.number_or("max_connections", 256, {.least = 1, .most = kMostConnections})));
  return listening;
}

Result<std::optional<std::string>> read_secret(Settings& settings, std::string_view key,
                                               const logs::StageWorld& world) {
  const std::optional<SecretSource> source = TRY(settings.secret(key));
  if (!source) return std::optional<std::string>();
  Result<std::string> secret = logs::reveal(*source, world);
  if (!secret.ok()) return settings.wrong(key, secret.error().describe());
  if (secret->empty()) return settings.wrong(key, "is empty");
  return std::optional(*std::move(secret));
}

bool same_secret(std::string_view given, std::string_view wanted) {
  unsigned different = given.size() == wanted.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char other = wanted.empty() ? '\0' : wanted[i % wanted.size()];
    different |= static_cast<unsigned>(static_cast<unsigned char>(given[i] ^ other));
  }
  return different == 0;
}

}  // namespace quern::inputs
