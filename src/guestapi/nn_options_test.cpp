#include "guestapi/nn_options.hpp"

#include <gtest/gtest.h>

namespace quern::guestapi {
namespace {

TEST(NnOptions, WhatIsNotNamedKeepsItsValue) {
  NnOptions options;
  ASSERT_TRUE(merge_options(options, R"({"temp": 0, "n-predict": 12})").succeeded());
  ASSERT_TRUE(merge_options(options, R"({"top-k": 3, "port": 8080})").succeeded());
  const inference::Sampling sampling = sampling_of(options);
  EXPECT_EQ(options.n_predict, 12);
  EXPECT_EQ(sampling.temperature, 0.F);
  EXPECT_EQ(sampling.top_k, 3U);
  EXPECT_EQ(sampling.top_p, 0.95F);
}

TEST(NnOptions, BadJsonAndWrongTypesAreToldApart) {
  NnOptions options;
  EXPECT_EQ(merge_options(options, "{\"temp\": ").status(), NnStatus::invalid_encoding);
  EXPECT_EQ(merge_options(options, "[1]").status(), NnStatus::invalid_encoding);
  const NnStep wrong = merge_options(options, R"({"top-k": 3, "temp": "hot"})");
  EXPECT_EQ(wrong.status(), NnStatus::invalid_argument);
  EXPECT_NE(wrong.why().find("temp"), std::string::npos);
  EXPECT_EQ(options.top_k, 40) << "half of a refused change was made";
}

TEST(NnOptions, WhatIsNotOfferedIsRefused) {
  NnOptions options;
  for (const char* json :
       {R"({"mmproj": "m.gguf"})", R"({"image": "i.png"})", R"({"tts": true})"}) {
    EXPECT_EQ(merge_options(options, json).status(), NnStatus::unsupported_operation) << json;
  }
  EXPECT_TRUE(merge_options(options, R"({"mmproj": "", "tts": false})").succeeded());
}

TEST(NnOptions, TheHighestSeedAndNegativeOnesMeanAnotherEachTime) {
  NnOptions options;
  for (const auto& [json, seed] :
       {std::pair(R"({"seed": 7})", std::optional<std::uint32_t>(7)),
        std::pair(R"({"seed": -1})", std::optional<std::uint32_t>()),
        std::pair(R"({"seed": 4294967295})", std::optional<std::uint32_t>())}) {
    ASSERT_TRUE(merge_options(options, json).succeeded());
    EXPECT_EQ(sampling_of(options).seed, seed) << json;
  }
}

TEST(NnOptions, ValuesOutsideOfTheRangesBecomeTheNearest) {
  NnOptions options;
  ASSERT_TRUE(merge_options(options, R"({"temp": 3, "top-p": 0, "repeat-penalty": 0,
      "presence-penalty": -5, "last-n-penalty": -1, "top-k": -1, "min-p": 7})")
                  .succeeded());
  EXPECT_TRUE(inference::check_sampling(sampling_of(options), 1000).ok());
  EXPECT_EQ(sampling_of(options).temperature, 2.F);
  EXPECT_GT(*sampling_of(options).repeat_last_n, 100'000U) << "the whole context";
}

TEST(NnOptions, AGrammarComesBeforeASchema) {
  using Kind = inference::ResponseFormat::Kind;
  NnOptions options;
  EXPECT_EQ(format_of(options).kind, Kind::text);
  ASSERT_TRUE(merge_options(options, R"({"json-schema": "{\"type\": \"object\"}"})").succeeded());
  EXPECT_EQ(format_of(options).kind, Kind::json_schema);
  ASSERT_TRUE(merge_options(options, R"({"grammar": "root ::= \"a\""})").succeeded());
  EXPECT_EQ(format_of(options).kind, Kind::grammar);
}

}  // namespace
}  // namespace quern::guestapi
