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

TEST(NnPreload, TheKindIsTheEncodingsOrTheNames) {
  using Kind = Preload::Kind;
  EXPECT_EQ(parse_preload("a:GGML:AUTO:m.onnx").value().kind, Kind::ggml);
  EXPECT_EQ(parse_preload("a:onnx:CPU:m.bin").value().kind, Kind::onnx);
  EXPECT_EQ(parse_preload("a:autodetect:CPU:m.onnx").value().kind, Kind::onnx);
  EXPECT_EQ(parse_preload("a:autodetect:CPU:m.gguf").value().kind, Kind::ggml);
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
  EXPECT_EQ(parse_preload("a:OpenVINO:CPU:m.xml").error().kind(), ErrorKind::unsupported);
}

TEST(NnPreload, TheVariableIsForWhoeverUsesIt) {
  FakeProcess process;
  ModelOptions model;
  add_environment(model, process);
  EXPECT_TRUE(model.preloads.empty());
  process.environment[kPreloadVariable] = "b:TensorFlow:CPU:b.pb";
  add_environment(model, process);
  EXPECT_TRUE(model.preloads.empty()) << "it may be meant for another program";
  process.environment[kPreloadVariable] = "b:GGML:CPU:b.gguf";
  add_environment(model, process);
  EXPECT_EQ(model.preloads.back().path, "b.gguf");
  process.environment[kPreloadVariable] = "c:ONNX:CPU:c.onnx";
  add_environment(model, process);
  EXPECT_EQ(model.graphs.back().path, "c.onnx");
  EXPECT_EQ(model.preloads.size(), 1U);
}

TEST(NnPreload, TwoOfOneNameAreRefused) {
  const Preload a{.name = "a", .path = "1"};
  const Preload graph{.name = "a", .path = "2", .kind = Preload::Kind::onnx};
  EXPECT_FALSE(check_names({.preloads = {a, a}}, {}).ok());
  EXPECT_EQ(check_names({.preloads = {a}, .graphs = {graph}}, {}).error().kind(),
            ErrorKind::invalid_argument);
  EXPECT_FALSE(check_names({.graphs = {graph}}, {"a"}).ok());
  EXPECT_TRUE(check_names({.preloads = {a}}, {"b"}).ok());
}

TEST(NnPreload, AGuestIsGrantedEachByItsName) {
  const ModelOptions model{.preloads = {{.name = "a", .path = "a.gguf"}},
                           .graphs = {{.name = "b", .path = "b.onnx"}}};
  guestapi::Grants grants{.models = {"first"}};
  grant_preloads(model, grants);
  EXPECT_EQ(grants.models, (std::vector<std::string>{"first", "a", "a.gguf", "b"}));
}

}  // namespace
}  // namespace quern::cli
