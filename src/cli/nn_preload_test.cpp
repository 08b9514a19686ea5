#include "cli/nn_preload.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

TEST(NnPreload, ReadsNameAndFile) {
  const Preload preload = parse_preload("default:GGML:AUTO:/models/a.gguf").value();
  EXPECT_EQ(preload.name, "default");
  EXPECT_EQ(preload.path, "/models/a.gguf");
  EXPECT_EQ(parse_preload("a:ggml:cpu:x").value().path, "x");
  EXPECT_EQ(parse_preload("a:Autodetect:GPU:c:\\m.gguf").value().path, "c:\\m.gguf");
}

TEST(NnPreload, SaysWhatIsWrong) {
  for (const auto& [text, word] :
       {std::pair("model.gguf", "four parts"), std::pair(":GGML:AUTO:m", "name is missing"),
        std::pair("a:GGML:AUTO:", "file is missing"), std::pair("a:GGUF:AUTO:m", "no encoding"),
        std::pair("a:GGML:NPU:m", "NPU")}) {
    const Result<Preload> preload = parse_preload(text);
    ASSERT_FALSE(preload.ok()) << text;
    EXPECT_EQ(preload.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(preload.error().message().find(word), std::string::npos) << preload.error().message();
  }
  EXPECT_EQ(parse_preload("a:ONNX:CPU:m.onnx").error().kind(), ErrorKind::unsupported);
}

TEST(NnPreload, TheVariableIsForWhoeverUsesIt) {
  FakeProcess process;
  std::vector<Preload> preloads = {{.name = "a", .path = "a.gguf"}};
  ASSERT_TRUE(complete_preloads(preloads, process).ok());
  EXPECT_EQ(preloads.size(), 1U);
  process.environment[kPreloadVariable] = "b:ONNX:CPU:b.onnx";
  ASSERT_TRUE(complete_preloads(preloads, process).ok()) << "it may be meant for another program";
  EXPECT_EQ(preloads.size(), 1U);
  process.environment[kPreloadVariable] = "b:GGML:CPU:b.gguf";
  ASSERT_TRUE(complete_preloads(preloads, process).ok());
  EXPECT_EQ(preloads.back().path, "b.gguf");
}

TEST(NnPreload, TwoModelsOfOneNameAreRefused) {
  FakeProcess process;
  std::vector<Preload> preloads = {{.name = "a", .path = "1"}, {.name = "a", .path = "2"}};
  EXPECT_EQ(complete_preloads(preloads, process).error().kind(), ErrorKind::invalid_argument);
  EXPECT_FALSE(check_names({{.name = "a", .path = "1"}}, "a").ok());
  EXPECT_TRUE(check_names({{.name = "a", .path = "1"}}, "b").ok());
}

}  // namespace
}  // namespace quern::cli
