// Whom the client believes: the TLS context with its root certificates.
#pragma once

#include "base/result.hpp"

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>

namespace quern::http {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

// Verification is on. Roots: `ca_file`; else SSL_CERT_FILE; else the system's bundle; else
// SSL_CERT_DIR or the system's folder; else those built in. not_found or corrupt_data names the
// file that was asked for and does not do.
Result<SslContext> make_trust(const std::filesystem::path& ca_file);

}  // namespace quern::http
