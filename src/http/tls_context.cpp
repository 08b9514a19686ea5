#include "http/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

namespace quern::http {
namespace {

namespace ssl = boost::asio::ssl;

Result<> check_readable(const std::filesystem::path& file, std::string_view what) {
  errno = 0;
  const std::ifstream probe(file);
  if (probe && !std::filesystem::is_directory(file)) return {};
  const int problem = errno;
  const ErrorKind kind = problem == EACCES ? ErrorKind::permission_denied : ErrorKind::not_found;
  return fail(kind, "the " + std::string(what) + " " + file.string() + " cannot be read: " +
                        (problem != 0 ? std::generic_category().message(problem) : "not a file"));
}

// Takes "http/1.1" out of what the client offers; a client that offers only others is told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) noexcept {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                           '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int result = SSL_select_next_proto(&found, chosen_size, kHttp11.data(), kHttp11.size(),
                                           offered, offered_size);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

std::string tls_problem() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown problem";
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Result<std::unique_ptr<ssl::context>> make_tls_context(const TlsFiles& files) {
  TRY(check_readable(files.certificate, "certificate"));
  TRY(check_readable(files.key, "key"));
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const handle = context->native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
  SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                  SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_alpn_select_cb(handle, choose_protocol, nullptr);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(handle, files.certificate.c_str()) != 1) {
    return fail(ErrorKind::invalid_argument, "the certificate " + files.certificate.string() +
                                                 " is not a PEM certificate: " + tls_problem());
  }
  if (SSL_CTX_use_PrivateKey_file(handle, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(handle) != 1) {
    return fail(ErrorKind::invalid_argument, "the key " + files.key.string() +
                                                 " does not serve the certificate " +
                                                 files.certificate.string() + ": " + tls_problem());
  }
  return context;
}

}  // namespace quern::http
