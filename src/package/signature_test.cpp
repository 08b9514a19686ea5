#include "package/signature.hpp"

#include "base/base64.hpp"

#include "package/test_keys.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::package {
namespace {

using ::testing::HasSubstr;

using test::Keys;
using test::make_keys;

TEST(Signature, ThePayloadIsCosigns) {
  EXPECT_EQ(signing_payload(*Reference::parse("ghcr.io/acme/a:1"), "sha256:ab"),
            "{\"critical\":{\"identity\":{\"docker-reference\":\"ghcr.io/acme/a\"},"
            "\"image\":{\"docker-manifest-digest\":\"sha256:ab\"},"
            "\"type\":\"cosign container image signature\"},\"optional\":null}");
}

TEST(Signature, HoldsForThePayloadAndTheKeyAlone) {
  const Keys keys = make_keys("P-256");
  const Keys others = make_keys("P-256");
  const auto signature = sign_payload("payload", keys.secret);
  ASSERT_TRUE(signature.ok()) << signature.error().describe();
  EXPECT_TRUE(check_signature("payload", *signature, keys.open).ok());
  EXPECT_EQ(check_signature("payloae", *signature, keys.open).error().kind(),
            ErrorKind::permission_denied);
  EXPECT_EQ(check_signature("payload", *signature, others.open).error().kind(),
            ErrorKind::permission_denied);
  EXPECT_FALSE(check_signature("payload", "AAAA", keys.open).ok());
  EXPECT_FALSE(check_signature("payload", "!", keys.open).ok());
}

TEST(Signature, OtherKeysAreNamed) {
  const Keys keys = make_keys("P-256");
  const Keys larger = make_keys("P-384");
  EXPECT_THAT(sign_payload("x", larger.secret).error().describe(), HasSubstr("P-256"));
  EXPECT_THAT(sign_payload("x", keys.open).error().describe(), HasSubstr("no private key"));
  EXPECT_THAT(check_signature("x", "AAAA", keys.secret).error().describe(),
              HasSubstr("no public key"));
  EXPECT_THAT(
      sign_payload("x", "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----").error().describe(),
      HasSubstr("locked"));
}

}  // namespace
}  // namespace quern::package
