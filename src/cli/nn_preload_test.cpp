#include "cli/nn_preload.hpp"

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

}  // namespace
}  // namespace quern::cli
