#include "guestapi/llm_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

TEST(LlmCheck, ToolChoicesMustBePossible) {
  using Kind = inference::ToolChoice::Kind;
  inference::ChatRequest request;
  EXPECT_FALSE(check_chat(request, {}).ok());
  request.messages.push_back({.text = "hi"});
  EXPECT_TRUE(check_chat(request, {}).ok());
  request.tool_choice = {.kind = Kind::required, .name = {}};
  EXPECT_FALSE(check_chat(request, {}).ok());
  request.tools.push_back({.name = "add", .description = {}, .parameters = {}});
  EXPECT_TRUE(check_chat(request, {}).ok());
  request.tool_choice = {.kind = Kind::named, .name = "sub"};
  EXPECT_THAT(check_chat(request, {}).error().message(), ::testing::HasSubstr("\"sub\""));
}

}  // namespace
}  // namespace quern::guestapi
