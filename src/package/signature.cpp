// cosign keeps the signatures of a manifest with digest sha256:HEX under the tag sha256-HEX.sig of
// the same repository: an image manifest whose layers are signed payloads, each with its signature
// in an annotation.
#include "package/signature.hpp"

#include "base/base64.hpp"

#include "package/oci_manifest.hpp"
#include <nlohmann/json.hpp>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <memory>

namespace quern::package {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kAnnotation = "dev.cosignproject.cosign/signature";
constexpr std::string_view kPayloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
constexpr std::string_view kConfigType = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view kClaim = "cosign container image signature";
constexpr std::uint64_t kLargestPayload = 64ULL << 10U;

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Digest = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

// Without it OpenSSL would ask the terminal.
int no_password(char* /*into*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

bool is_p256(EVP_PKEY* key) {
  char group[64] = {};
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         std::string_view(group) == "prime256v1";
}

template <class Read>
Result<Key> read_key(std::string_view pem, std::string_view what, Read read) {
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1U << 20U))));
  Key key(bio ? read(bio.get()) : nullptr);
  if (!key) {
    const bool locked = pem.find("ENCRYPTED") != std::string_view::npos;
    return fail(ErrorKind::invalid_argument,
                locked
                    ? "the key is locked with a password; openssl pkey -in KEY -out OPEN unlocks "
                      "those of OpenSSL, and cosign's own cannot be read"
                    : "it is no " + std::string(what) + " key as PEM");
  }
  if (!is_p256(key.get())) {
    return fail(ErrorKind::invalid_argument, "the key is not of the curve P-256 (prime256v1)");
  }
  return key;
}

Result<Key> private_key(std::string_view pem) {
  return read_key(pem, "private", [](BIO* bio) {
    return PEM_read_bio_PrivateKey(bio, nullptr, no_password, nullptr);
  });
}

Result<Key> public_key(std::string_view pem) {
  return read_key(pem, "public",
                  [](BIO* bio) { return PEM_read_bio_PUBKEY(bio, nullptr, no_password, nullptr); });
}

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Reference signatures_of(const Reference& what, std::string_view digest) {
  return {.registry = what.registry,
          .repository = what.repository,
          .tag = "sha256-" + std::string(digest.substr(digest.find(':') + 1)) + ".sig",
          .digest = {}};
}

// The signatures that are there; an empty manifest when there are none.
Result<Manifest> known_signatures(Registry& registry, const Reference& where,
                                  const std::stop_token& stop) {
  auto known = registry.manifest(where, stop);
  if (known.ok()) return known;
  if (known.error().kind() == ErrorKind::not_found) return Manifest{};
  return known;
}

// Does the payload speak of this manifest?
bool is_about(std::string_view payload, std::string_view digest) {
  try {
    const Json critical = Json::parse(payload).at("critical");
    return critical.at("type").get<std::string>() == kClaim &&
           critical.at("image").at("docker-manifest-digest").get<std::string>() == digest;
  } catch (const Json::exception&) {
    return false;
  }
}

Result<> put(Registry& registry, const Reference& where, const Descriptor& blob,
             const std::string& text, const std::stop_token& stop) {
  if (TRY(registry.has_blob(where, blob.digest, stop))) return {};
  return registry.put_blob(
      where, blob, [text]() -> Result<Buffer> { return to_buffer(text); }, stop);
}

}  // namespace

std::string signing_payload(const Reference& what, std::string_view manifest_digest) {
  const Json critical = {
      {"identity", {{"docker-reference", what.registry + "/" + what.repository}}},
      {"image", {{"docker-manifest-digest", manifest_digest}}},
      {"type", kClaim}};
  return Json({{"critical", critical}, {"optional", nullptr}}).dump();
}

Result<> check_private_key(std::string_view key) {
  TRY(private_key(key));
  return {};
}

Result<> check_public_key(std::string_view key) {
  TRY(public_key(key));
  return {};
}

Result<std::string> sign_payload(std::string_view payload, std::string_view key) {
  const Key signer = TRY(private_key(key));
  const Digest context(EVP_MD_CTX_new());
  std::size_t size = 0;
  const bool ready =
      context &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, signer.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, raw(payload), payload.size()) == 1;
  Buffer signature(size);
  auto* const out = reinterpret_cast<unsigned char*>(signature.data());
  if (!ready || EVP_DigestSign(context.get(), out, &size, raw(payload), payload.size()) != 1) {
    return fail(ErrorKind::internal, "OpenSSL does not sign");
  }
  signature.resize(size);
  return to_base64(signature);
}

Result<> check_signature(std::string_view payload, std::string_view signature,
                         std::string_view key) {
  const Key signer = TRY(public_key(key));
  const Buffer bytes = TRY(from_base64(signature).context("a signature"));
  const Digest context(EVP_MD_CTX_new());
  const bool fits =
      context &&
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, signer.get()) == 1 &&
      EVP_DigestVerify(context.get(), raw(as_text(bytes)), bytes.size(), raw(payload),
                       payload.size()) == 1;
  if (fits) return {};
  return fail(ErrorKind::permission_denied, "it is not signed by this key");
}

Result<std::string> sign(Registry& registry, const Reference& what, std::string_view key,
                         const std::stop_token& stop) {
  TRY(private_key(key));  // before anything is asked for
  std::string digest = TRY(registry.manifest(what, stop)).digest;
  const Reference where = signatures_of(what, digest);
  Manifest signatures = TRY(known_signatures(registry, where, stop));
  if (signatures.layers.size() >= kMostLayers) {
    return fail(ErrorKind::resource_exhausted, what.to_string() + " has " +
                                                   std::to_string(signatures.layers.size()) +
                                                   " signatures; one more could not be read again");
  }
  const std::string payload = signing_payload(what, digest);
  Descriptor layer = describe(kPayloadType, as_bytes(payload));
  layer.annotations[std::string(kAnnotation)] = TRY(sign_payload(payload, key));
  signatures.layers.push_back(layer);
  Json ids = Json::array();
  for (const Descriptor& each : signatures.layers) ids.push_back(each.digest);
  const std::string config = Json({{"architecture", ""},
                                   {"os", ""},
                                   {"config", Json::object()},
                                   {"rootfs", {{"type", "layers"}, {"diff_ids", ids}}}})
                                 .dump();
  signatures.config = describe(kConfigType, as_bytes(config));
  TRY(put(registry, where, layer, payload, stop));
  TRY(put(registry, where, signatures.config, config, stop));
  TRY(registry.put_manifest(where, manifest_to_json(signatures), stop));
  return digest;
}

Result<std::string> verify(Registry& registry, const Reference& what, std::string_view key,
                           const std::stop_token& stop) {
  TRY(public_key(key));
  std::string digest = TRY(registry.manifest(what, stop)).digest;
  const Reference where = signatures_of(what, digest);
  const Manifest signatures = TRY(known_signatures(registry, where, stop));
  if (signatures.layers.empty()) {
    return fail(ErrorKind::permission_denied, what.to_string() + " is not signed");
  }
  for (const Descriptor& layer : signatures.layers) {
    const auto signature = layer.annotations.find(std::string(kAnnotation));
    if (signature == layer.annotations.end() || layer.size > kLargestPayload) continue;
    const auto payload = registry.blob(where, layer, stop);
    if (!payload.ok()) {
      const ErrorKind kind = payload.error().kind();
      // Of one signature that is not whole the others are none the worse.
      if (kind == ErrorKind::not_found || kind == ErrorKind::corrupt_data) continue;
      return fail(payload.error());
    }
    const bool fits = check_signature(as_text(*payload), signature->second, key).ok();
    if (fits && is_about(as_text(*payload), digest)) return digest;
  }
  return fail(ErrorKind::permission_denied,
              what.to_string() + " (" + digest + ") is not signed by this key");
}

}  // namespace quern::package
