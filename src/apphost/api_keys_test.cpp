#include "apphost/apphost.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace quern::apphost {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;

class ApiKeysTest : public ::testing::Test {
 protected:
  fs::path write(const std::string& text, fs::perms mode = fs::perms(0600)) const {
    const fs::path file =
        fs::path(::testing::TempDir()) /
        ("keys_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
         ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove(file);
    std::ofstream(file) << text;
    fs::permissions(file, mode);
    return file;
  }
  std::string error_of(const std::string& text, fs::perms mode = fs::perms(0600)) const {
    const auto keys = ApiKeys::load(write(text, mode), files_);
    return keys.ok() ? "no error" : keys.error().describe();
  }

  mutable RealFiles files_;
};

TEST_F(ApiKeysTest, NoKeysAskForNone) { EXPECT_FALSE(ApiKeys().required()); }

TEST_F(ApiKeysTest, AKeyStandsForItsTenant) {
  const ApiKeys keys =
      ApiKeys::load(write("# ours\nsecret-one alice\n\n  secret-two\tbob # the second\r\nplain\n"),
                    files_)
          .value();
  EXPECT_TRUE(keys.required());
  EXPECT_EQ(keys.authorize("Bearer secret-one").value(), "alice");
  EXPECT_EQ(keys.authorize("bearer   secret-two ").value(), "bob");
  EXPECT_THAT(keys.authorize("Bearer plain").value(), StartsWith("key-"));
}

TEST_F(ApiKeysTest, EverythingElseIsDenied) {
  const ApiKeys keys = ApiKeys::load(write("secret-one alice\nsecret-two bob\n"), files_).value();
  for (const char* header :
       {"", "Bearer", "Bearer ", "Bearer secret-on", "Bearer secret-onee", "Bearer Secret-one",
        "secret-one", "Basic secret-one", "Bearer alice", "Bearer secret-one secret-two",
        "Bearer secret-one,secret-two", "Bearer\tsecret-one", "Bearersecret-one", "Bearer #",
        "Bearer s\xc3\xa9"
        "cret"}) {
    const auto tenant = keys.authorize(header);
    ASSERT_FALSE(tenant.ok()) << header;
    EXPECT_EQ(tenant.error().kind(), ErrorKind::permission_denied);
    EXPECT_THAT(tenant.error().message(), Not(HasSubstr("secret-one"))) << header;
  }
  EXPECT_FALSE(keys.authorize("Bearer " + std::string(100'000, 'x')).ok());
  EXPECT_THAT(keys.authorize("").error().message(), HasSubstr("Authorization: Bearer KEY"));
  EXPECT_THAT(keys.authorize("Basic x").error().message(), HasSubstr("malformed"));
}

TEST_F(ApiKeysTest, AFileOpenToOthersIsRefused) {
  for (const int mode : {0644, 0604, 0602, 0601, 0620}) {
    EXPECT_THAT(error_of("key\n", fs::perms(mode)), HasSubstr("chmod 600")) << mode;
  }
  EXPECT_EQ(error_of("key\n", fs::perms(0640)), "no error");
}

TEST_F(ApiKeysTest, MalformedFilesAreNamedByLineAndNeverByContent) {
  EXPECT_THAT(error_of("# nothing\n\n"), HasSubstr("there is no key"));
  EXPECT_THAT(error_of(""), HasSubstr("there is no key"));
  EXPECT_THAT(error_of("good alice\nhidden tenant surplus\n"), HasSubstr(":2: must be a key"));
  EXPECT_THAT(error_of("good alice\nhidden tenant surplus\n"), Not(HasSubstr("hidden")));
  EXPECT_THAT(error_of("key\nother\nkey bob\n"), HasSubstr(":3: repeats"));
  EXPECT_THAT(error_of(std::string(600, 'x')), HasSubstr("must be a key"));
  EXPECT_THAT(error_of("k\xff\n"), HasSubstr("must be a key"));
  EXPECT_EQ(ApiKeys::load("/nowhere/keys", files_).error().kind(), ErrorKind::not_found);
}

}  // namespace
}  // namespace quern::apphost
