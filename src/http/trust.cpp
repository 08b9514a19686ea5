#include "http/trust.hpp"

#include "base/bytes.hpp"
#include "http/proxy.hpp"
#include "http/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>

#ifdef QUERN_CA_BUNDLE_EMBEDDED
extern "C" const std::byte quern_embed_ca_bundle_begin[];  // NOLINT(modernize-avoid-c-arrays)
extern "C" const std::byte quern_embed_ca_bundle_end[];    // NOLINT(modernize-avoid-c-arrays)
#endif

namespace quern::http {
namespace {

namespace fs = std::filesystem;

// Where Debian, Red Hat, SUSE, Alpine and the BSDs keep theirs.
constexpr std::array kBundles = {"/etc/ssl/certs/ca-certificates.crt",
                                 "/etc/pki/tls/certs/ca-bundle.crt",
                                 "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                 "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
constexpr const char* kFolder = "/etc/ssl/certs";

Result<> load_file(SSL_CTX* context, const fs::path& file, std::string_view named_by) {
  std::error_code ec;
  const std::string who = std::string(named_by) + " names " + file.string();
  if (!fs::is_regular_file(file, ec))
    return fail(ErrorKind::not_found, who + ", which is not a file");
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(context, file.c_str()) != 1) {
    return fail(ErrorKind::corrupt_data, who + ", which holds no certificates: " + tls_problem());
  }
  return {};
}

bool load_system_bundle(SSL_CTX* context) {
  for (const char* bundle : kBundles) {
    std::error_code ec;
    if (fs::is_regular_file(bundle, ec) && SSL_CTX_load_verify_file(context, bundle) == 1)
      return true;
  }
  return false;
}

bool load_folder(SSL_CTX* context) {
  const std::string named = environment("SSL_CERT_DIR");
  const fs::path folder = named.empty() ? fs::path(kFolder) : fs::path(named);
  std::error_code ec;
  if (!fs::is_directory(folder, ec) || fs::is_empty(folder, ec)) return false;
  return SSL_CTX_load_verify_dir(context, folder.c_str()) == 1;
}

#ifdef QUERN_CA_BUNDLE_EMBEDDED
struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};

bool load_built_in(SSL_CTX* context) {
  const auto size = static_cast<int>(quern_embed_ca_bundle_end - quern_embed_ca_bundle_begin);
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(quern_embed_ca_bundle_begin, size));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  int count = 0;
  for (;;) {
    const std::unique_ptr<X509, FreeCertificate> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) break;
    count += X509_STORE_add_cert(store, certificate.get());
  }
  ERR_clear_error();  // the end of the bundle is one
  return count > 0;
}
#else
bool load_built_in(SSL_CTX*) { return false; }
#endif

Result<> load_roots(SSL_CTX* context, const fs::path& ca_file) {
  if (!ca_file.empty()) return load_file(context, ca_file, "the configuration");
  const std::string named = environment("SSL_CERT_FILE");
  if (!named.empty()) return load_file(context, named, "SSL_CERT_FILE");
  if (load_system_bundle(context) || load_folder(context) || load_built_in(context)) return {};
  return fail(ErrorKind::unavailable,
              "no root certificates on this machine; let SSL_CERT_FILE name a PEM file of them");
}

}  // namespace

Result<SslContext> make_trust(const fs::path& ca_file) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(ErrorKind::internal, "TLS does not start: " + tls_problem());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  static constexpr std::array<unsigned char, 9> kHttp11 = {8,   'h', 't', 't', 'p',
                                                           '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context.get(), kHttp11.data(), kHttp11.size());
  TRY(load_roots(context.get(), ca_file));
  ERR_clear_error();
  return context;
}

}  // namespace quern::http
