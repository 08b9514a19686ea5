#include "apphost/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace quern::apphost {
namespace {

TEST(Refusal, HasTheFormOfTheOpenAiApi) {
  const auto json = nlohmann::json::parse(body_of(bad_key({ErrorKind::permission_denied, "no"})));
  EXPECT_EQ(json["error"]["message"], "no");
  EXPECT_EQ(json["error"]["type"], "invalid_request_error");
  EXPECT_EQ(json["error"]["code"], "invalid_api_key");
  EXPECT_TRUE(json["error"]["param"].is_null());
}

TEST(Refusal, EveryEndOfAGuestHasItsStatus) {
  const auto status = [](ErrorKind kind) { return guest_failed({kind, "x"}, "req_1").status; };
  EXPECT_EQ(status(ErrorKind::guest_trap), 500);
  EXPECT_EQ(status(ErrorKind::deadline_exceeded), 504);
  EXPECT_EQ(status(ErrorKind::resource_exhausted), 507);
  EXPECT_EQ(status(ErrorKind::cancelled), 503);
  EXPECT_EQ(status(ErrorKind::unavailable), 503);
  EXPECT_EQ(status(ErrorKind::invalid_argument), 400);
  EXPECT_EQ(status(ErrorKind::internal), 500);
}

TEST(Refusal, TellsStrangersWhereToLookAndNotWhatHappened) {
  const Refusal refusal = guest_failed({ErrorKind::guest_trap, "secret at 0x1234"}, "req_1");
  EXPECT_THAT(refusal.message, ::testing::HasSubstr("req_1"));
  EXPECT_THAT(refusal.message, ::testing::Not(::testing::HasSubstr("0x1234")));
}

TEST(Refusal, AnyBytesMakeValidJson) {
  const Refusal odd = bad_key({ErrorKind::permission_denied, "quote \" and \xff byte\n"});
  EXPECT_FALSE(nlohmann::json::parse(body_of(odd), nullptr, false).is_discarded());
}

}  // namespace
}  // namespace quern::apphost
