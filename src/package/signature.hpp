// Signatures of artifacts, as cosign makes and reads them.
//
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
#pragma once

#include "package/registry.hpp"

#include <string>
#include <string_view>

namespace quern::package {

// What is signed: which artifact, and where it is called so.
std::string signing_payload(const Reference& what, std::string_view manifest_digest);

// Can it sign, or verify? invalid_argument: it is no unlocked P-256 key of that kind as PEM.
Result<> check_private_key(std::string_view key);
Result<> check_public_key(std::string_view key);

// ECDSA with SHA-256 over `payload`, DER, as base64. `key`: a private P-256 key as PEM, not locked.
// invalid_argument: another key.
Result<std::string> sign_payload(std::string_view payload, std::string_view key);
// permission_denied: not signed by this key. `key`: the public key as PEM.
Result<> check_signature(std::string_view payload, std::string_view signature,
                         std::string_view key);

// Signs what the reference means now and puts the signature beside those that are there. The
// digest of what was signed. resource_exhausted: 256 signatures are there already.
Result<std::string> sign(Registry& registry, const Reference& what, std::string_view key,
                         const std::stop_token& stop);
// permission_denied: no signature of this key for what the reference means now. Its digest.
Result<std::string> verify(Registry& registry, const Reference& what, std::string_view key,
                           const std::stop_token& stop);

}  // namespace quern::package
