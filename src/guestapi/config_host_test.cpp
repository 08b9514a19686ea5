#include "guestapi/fakes.hpp"
#include "guestapi/test_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

using ::testing::HasSubstr;

class ConfigTest : public ::testing::Test {
 protected:
  Answer ask(const std::string& function, std::string_view name) const {
    wasm::ValueWriter out;
    return guest.call(function, out.text(name));
  }

  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", {});
  LoadedModels models{*engine};
  GuestApi api{models};
  const Grants grants{.config = {{"log.Level", "debug"}, {"api_token", "s3cret"}}};
  TestGuest guest{api, grants};
};

TEST_F(ConfigTest, EveryVersionOfTheStoreGivesTheValues) {
  for (const std::string version : {"0.2.0-rc.1", "0.2.0-draft-2024-09-27", "0.2.0-draft"}) {
    const std::string store = "wasi:config/store@" + version;
    const Answer one = ask(store + "#get", "log.Level");
    auto in = one.reader();
    ASSERT_TRUE(in.present() && in.present());
    EXPECT_EQ(in.text(), "debug");
    const Answer none = ask(store + "#get", std::string(1'000'000, 'x'));
    auto absent = none.reader();
    EXPECT_TRUE(absent.present());
    EXPECT_FALSE(absent.present());
    const Answer all = guest.call(store + "#get-all", {});
    auto every = all.reader();
    ASSERT_TRUE(every.present());
    EXPECT_EQ(every.count(), 2U);
  }
}

TEST_F(ConfigTest, SpinsVariables) {
  const Answer one = ask("fermyon:spin/variables@2.0.0#get", "api_token");
  auto in = one.reader();
  ASSERT_TRUE(in.present());
  EXPECT_EQ(in.text(), "s3cret");
}

TEST_F(ConfigTest, AVariableThatIsNotGrantedIsUndefinedAndNamed) {
  const Answer answer = ask("fermyon:spin/variables@2.0.0#get", "other");
  auto in = answer.reader();
  EXPECT_FALSE(in.present());
  EXPECT_EQ(in.discriminant(), 1U);
  EXPECT_THAT(std::string(in.text()), HasSubstr("[config] other = "));
}

TEST_F(ConfigTest, WhatSpinHoldsForNoNameIsInvalid) {
  for (const std::string& name : std::vector<std::string>{
           "", "A", "a-b", "a__b", "a_", "_a", "1a", "log.Level", std::string(1'000'000, 'a')}) {
    const Answer answer = ask("fermyon:spin/variables@2.0.0#get", name);
    auto in = answer.reader();
    EXPECT_FALSE(in.present()) << name.size();
    EXPECT_EQ(in.discriminant(), 0U);
    EXPECT_LT(in.text().size(), 200U);
  }
}

}  // namespace
}  // namespace quern::guestapi
