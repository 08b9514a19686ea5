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

TEST(NnPreload, TheEncodingIsTheOneThatIsSaidOrTheNames) {
  using tensor::Encoding;
  const auto encoding = [](const char* text) { return parse_preload(text).value().encoding; };
  EXPECT_EQ(encoding("a:GGML:AUTO:m.onnx"), std::nullopt);
  EXPECT_EQ(encoding("a:onnx:CPU:m.bin"), Encoding::onnx);
  EXPECT_EQ(encoding("a:OpenVINO:CPU:m.xml"), Encoding::openvino);
  EXPECT_EQ(encoding("a:OPENVINO:CPU:m.onnx"), Encoding::openvino);
  EXPECT_EQ(encoding("a:Tensorflow:CPU:folder"), Encoding::tensorflow);
  EXPECT_EQ(encoding("a:TensorflowLite:CPU:m"), Encoding::tensorflow_lite);
  EXPECT_EQ(encoding("a:autodetect:CPU:m.onnx"), Encoding::onnx);
  EXPECT_EQ(encoding("a:autodetect:CPU:m.xml"), Encoding::openvino);
  EXPECT_EQ(encoding("a:autodetect:CPU:m.pb"), Encoding::tensorflow);
  EXPECT_EQ(encoding("a:autodetect:CPU:m.tflite"), Encoding::tensorflow_lite);
  EXPECT_EQ(encoding("a:autodetect:CPU:m.gguf"), std::nullopt);
}

TEST(NnPreload, AGraphOfOpenVinoMayHaveItsWeightsElsewhere) {
  const Preload two = parse_preload("a:OpenVINO:CPU:/x.xml:y/m.xml:/z/w.bin").value();
  EXPECT_EQ(two.path, "/x.xml:y/m.xml");
  EXPECT_EQ(two.weights, "/z/w.bin");
  const Preload one = parse_preload("a:OpenVINO:CPU:m.xml").value();
  EXPECT_EQ(one.path, "m.xml");
  EXPECT_EQ(one.weights, "");
  EXPECT_EQ(parse_preload("a:onnx:CPU:m.xml:w").value().path, "m.xml:w");
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
  EXPECT_EQ(parse_preload("a:PyTorch:CPU:m.pt").error().kind(), ErrorKind::unsupported);
}

TEST(NnPreload, TheVariableIsForWhoeverUsesIt) {
  FakeProcess process;
  ModelOptions model;
  add_environment(model, process);
  EXPECT_TRUE(model.preloads.empty());
  process.environment[kPreloadVariable] = "b:PyTorch:CPU:b.pt";
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
  const Preload graph{.name = "a", .path = "2", .encoding = tensor::Encoding::onnx};
  EXPECT_FALSE(check_names({.preloads = {a, a}}, {}).ok());
  EXPECT_EQ(check_names({.preloads = {a}, .graphs = {graph}}, {}).error().kind(),
            ErrorKind::invalid_argument);
  EXPECT_FALSE(check_names({.graphs = {graph}}, {"a"}).ok());
  EXPECT_TRUE(check_names({.preloads = {a}}, {"b"}).ok());
}

TEST(NnPreload, AGuestIsGrantedEachByItsName) {
  const ModelOptions model{
      .preloads = {{.name = "a", .path = "a.gguf"}},
      .graphs = {{.name = "b", .path = "b.onnx", .encoding = tensor::Encoding::onnx}}};
  guestapi::Grants grants{.models = {"first"}};
  grant_preloads(model, grants);
  EXPECT_EQ(grants.models, (std::vector<std::string>{"first", "a", "a.gguf", "b"}));
}

}  // namespace
}  // namespace quern::cli
