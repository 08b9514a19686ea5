// The keys that all inputs have which others send to.
#pragma once

#include "base/settings.hpp"
#include "http/http.hpp"

#include "logs/stage.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quern::inputs {

struct Listening {
  std::string host;
  std::uint16_t port = 0;
  std::optional<http::TlsFiles> tls;
  std::uint32_t max_connections = 0;
};

// listen = "127.0.0.1:24224" or "24224", tls_certificate and tls_key (both or none),
// max_connections. `fallback` is the port of an absent `listen`, on this machine only.
Result<Listening> read_listening(Settings& settings, const logs::StageWorld& world,
                                 std::uint16_t fallback);

// The secret under `key`, said; nothing where the key is absent.
Result<std::optional<std::string>> read_secret(Settings& settings, std::string_view key,
                                               const logs::StageWorld& world);

// As long for every text of the same length, whatever is in it.
bool same_secret(std::string_view given, std::string_view wanted);

}  // namespace quern::inputs
