// ONNX Runtime itself, on the graphs that deps/onnx_models.py makes.
#include "base/fakes.hpp"

#include "tensor/fakes.hpp"
#include "tensor/tensor.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <ctime>
#include <thread>

namespace quern::tensor {
namespace {

using Path = std::filesystem::path;

const Path kFolder = QUERN_ONNX_DIR;

// The library is not built for ThreadSanitizer, which cannot see its locks.
#if defined(__has_feature)
constexpr bool kRaces = __has_feature(thread_sanitizer);
#else
constexpr bool kRaces = false;
#endif

// The one that set-up installed, whatever else this machine has.
Path library() {
  RealFiles files;
  const Path lib = kFolder / "lib";
  const auto pythons = files.list(lib);
  if (!pythons.ok()) return {};
  for (const std::string& python : *pythons) {
    const Path capi = lib / python / "site-packages" / "onnxruntime" / "capi";
    const auto names = files.list(capi);
    for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
      if (name.starts_with("libonnxruntime.so")) return capi / name;
    }
  }
  return {};
}

// Models written field by field (onnx.proto), as a guest may write them.
namespace onnx {

constexpr char kFloat = 1;
constexpr char kBool = 9;

std::string number(unsigned field, char value) { return {static_cast<char>(field << 3U), value}; }
std::string field(unsigned number, const std::string& bytes) {
  std::string out = {static_cast<char>(number << 3U | 2U)};
  std::size_t size = bytes.size();
  for (; size >= 0x80; size >>= 7U) out.push_back(static_cast<char>(0x80U | (size & 0x7FU)));
  out.push_back(static_cast<char>(size));
  return out + bytes;
}
std::string node(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                 const std::string& kind) {
  std::string out;
  for (const std::string& name : inputs) out += field(1, name);
  for (const std::string& name : outputs) out += field(2, name);
  return field(1, out + field(4, kind));
}
// A row of any length.
std::string value(const std::string& name, char type) {
  const std::string shape = field(2, field(1, field(2, "n")));
  return field(1, name) + field(2, field(1, number(1, type) + shape));
}
std::string model(const std::string& nodes, const std::string& input, const std::string& output) {
  const std::string graph = nodes + field(2, "g") + field(11, input) + field(12, output);
  return number(1, 8) + field(8, field(1, "") + number(2, 13)) + field(7, graph);
}

}  // namespace onnx

class OnnxEngineTest : public ::testing::Test {
 protected:
  // One engine for all: its environment is the process's.
  static Engine* engine() {
    static const std::unique_ptr<Engine> opened = []() -> std::unique_ptr<Engine> {
      FakeProcess process;
      process.environment = {{"QUERN_ONNXRUNTIME", library().string()}};
      RealFiles files;
      auto made = open_onnx_runtime({.memory = 512_MiB, .threads = 2}, process, files);
      EXPECT_TRUE(made.ok()) << made.error().describe();
      return made.ok() ? *std::move(made) : nullptr;
    }();
    return opened.get();
  }
  void SetUp() override {
    if (kRaces) GTEST_SKIP() << "ONNX Runtime's own threads look like races to ThreadSanitizer";
    if (library().empty())
      GTEST_SKIP() << "ONNX Runtime is not in " << kFolder << " (deps/onnx.sh)";
    ASSERT_NE(engine(), nullptr);
  }
  static Path file(const std::string& name) { return kFolder / "graphs" / (name + ".onnx"); }
  static std::shared_ptr<Graph> load(const std::string& name) {
    return engine()->load_file({.path = file(name)}).value();
  }
  static Buffer bytes(const std::string& name) {
    RealFiles files;
    return files.read(file(name), 1_GiB).value();
  }
  static Tensor longs(std::vector<std::uint32_t> shape, const std::vector<std::int64_t>& values) {
    const ByteView view = std::as_bytes(std::span(values));
    return {
        .type = ElementType::i64, .shape = std::move(shape), .bytes = {view.begin(), view.end()}};
  }
};

TEST_F(OnnxEngineTest, SaysWhichLibraryItIs) {
  EXPECT_TRUE(engine()->describe().starts_with("ONNX Runtime 1."));
}

TEST_F(OnnxEngineTest, AddsByName) {
  const auto graph = load("sum");
  EXPECT_EQ(graph->inputs(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(graph->outputs(), (std::vector<std::string>{"sum", "shape"}));
  for (const std::uint32_t n : {0U, 1U, 5U, 1000U}) {  // the dimension is the caller's
    std::vector<float> a(n, 1.5F);
    const auto outputs = graph->compute({{"b", floats({n}, a)}, {"a", floats({n}, a)}}, {}).value();
    ASSERT_EQ(outputs.size(), 2U);
    EXPECT_EQ(outputs[0].name, "sum");
    EXPECT_EQ(outputs[0].tensor.shape, std::vector<std::uint32_t>{n});
    EXPECT_EQ(floats_of(outputs[0].tensor), std::vector<float>(n, 3.0F));
    EXPECT_EQ(outputs[1].tensor.bytes, longs({1}, {n}).bytes);
  }
}

TEST_F(OnnxEngineTest, EachElementTypePassesThrough) {
  const auto graph = load("types");
  NamedTensors inputs;
  const std::pair<const char*, ElementType> kinds[] = {
      {"f16", ElementType::f16},   {"f32", ElementType::f32}, {"f64", ElementType::f64},
      {"bf16", ElementType::bf16}, {"u8", ElementType::u8},   {"i32", ElementType::i32},
      {"i64", ElementType::i64}};
  for (const auto& [name, type] : kinds) {
    Tensor tensor{.type = type, .shape = {2, 3}, .bytes = Buffer(6 * bytes_of(type))};
    for (std::size_t i = 0; i < tensor.bytes.size(); ++i) tensor.bytes[i] = std::byte(i % 61 + 1);
    inputs.push_back({name, tensor});
  }
  const auto outputs = graph->compute(inputs, {}).value();
  ASSERT_EQ(outputs.size(), inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(outputs[i].name, inputs[i].name + "_out");
    EXPECT_EQ(outputs[i].tensor.type, inputs[i].tensor.type);
    EXPECT_EQ(outputs[i].tensor.shape, inputs[i].tensor.shape);
    EXPECT_EQ(outputs[i].tensor.bytes, inputs[i].tensor.bytes);
  }
}

TEST_F(OnnxEngineTest, ASingleValueHasOneDimensionOutside) {
  const auto graph = load("scalar");
  const auto outputs = graph->compute({{"x", floats({1}, {2.0F})}}, {}).value();
  EXPECT_EQ(outputs.front().tensor.shape, std::vector<std::uint32_t>{1});
  EXPECT_EQ(floats_of(outputs.front().tensor), std::vector<float>{-2.0F});
}

TEST_F(OnnxEngineTest, InputsThatDoNotFitAreTheCallersFault) {
  const auto graph = load("sum");
  const Tensor one = floats({1}, {1});
  const Tensor two = floats({2}, {1, 2});
  const NamedTensors wrong[] = {{},
                                {{"a", one}},
                                {{"a", one}, {"c", one}},
                                {{"a", one}, {"a", one}},
                                {{"a", one}, {"b", longs({1}, {1})}},
                                {{"a", floats({1, 1}, {1})}, {"b", one}},
                                {{"a", one}, {"b", floats({3}, {1})}}};
  for (const NamedTensors& inputs : wrong) {
    const auto outputs = graph->compute(inputs, {});
    ASSERT_FALSE(outputs.ok());
    EXPECT_EQ(outputs.error().kind(), ErrorKind::invalid_argument) << outputs.error().describe();
  }
  EXPECT_TRUE(graph->compute({{"a", two}, {"b", two}}, {}).ok()) << "after all that";
}

TEST_F(OnnxEngineTest, AnInputOfAnotherTypeIsNone) {
  const auto graph = load("truth");  // of truth values, which no tensor of ours has
  const auto outputs =
      graph->compute({{"x", {.type = ElementType::u8, .shape = {1}, .bytes = Buffer(1)}}}, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind(), ErrorKind::invalid_argument) << outputs.error().describe();
}

TEST_F(OnnxEngineTest, AnOutputOfAnotherTypeIsNamed) {
  const std::string model =
      onnx::model(onnx::node({"x"}, {"y"}, "IsNaN"), onnx::value("x", onnx::kFloat),
                  onnx::value("y", onnx::kBool));
  const auto graph = engine()->load_bytes({.graph = as_bytes(model)});
  ASSERT_TRUE(graph.ok()) << graph.error().describe();
  const auto outputs = (*graph)->compute({{"x", floats({1}, {1})}}, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind(), ErrorKind::unsupported) << outputs.error().describe();
  const std::string words = outputs.error().describe();
  EXPECT_NE(words.find("output \"y\""), std::string::npos) << words;
  EXPECT_NE(words.find("ONNX's type 9"), std::string::npos) << words;
}

TEST_F(OnnxEngineTest, WhatDoesNotEndIsEnded) {
  const auto graph = load("endless");
  std::stop_source stop;
  std::atomic<bool> ended{false};
  const std::clock_t before = std::clock();
  const std::jthread computing([&] {
    const auto outputs = graph->compute({{"step", floats({1}, {1})}}, stop.get_token());
    EXPECT_EQ(outputs.ok() ? ErrorKind::internal : outputs.error().kind(), ErrorKind::cancelled);
    ended = true;
  });
  // It computes, for longer than any beginning takes; this thread sleeps.
  while (!ended && std::clock() - before < CLOCKS_PER_SEC / 5) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_FALSE(ended);
  stop.request_stop();
}

TEST_F(OnnxEngineTest, MemoryIsBoundedAndComesBack) {
  const auto graph = load("memory");
  const auto small = graph->compute({{"size", longs({1}, {1000})}}, {});
  ASSERT_TRUE(small.ok()) << small.error().describe();
  EXPECT_EQ(floats_of(small->front().tensor), std::vector<float>{1000.0F});
  for (int i = 0; i < 2; ++i) {
    const auto outputs = graph->compute({{"size", longs({1}, {1LL << 30})}}, {});  // 4 GiB
    ASSERT_FALSE(outputs.ok());
    EXPECT_EQ(outputs.error().kind(), ErrorKind::resource_exhausted) << outputs.error().describe();
  }
  for (int i = 0; i < 5; ++i) {  // 200 MiB each, of 512
    EXPECT_TRUE(graph->compute({{"size", longs({1}, {25LL << 20})}}, {}).ok());
  }
}

TEST_F(OnnxEngineTest, OutputsAreBounded) {
  const auto graph = load("large");
  EXPECT_TRUE(graph->compute({{"size", longs({1}, {16LL << 20})}}, {}).ok());  // 64 MiB
  const auto outputs = graph->compute({{"size", longs({1}, {(16LL << 20) + 1})}}, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind(), ErrorKind::resource_exhausted) << outputs.error().describe();
}

TEST_F(OnnxEngineTest, AFileMayHaveFurtherFilesBytesMayNot) {
  const auto outputs = load("files")->compute({}, {}).value();
  EXPECT_EQ(as_text(outputs.front().tensor.bytes), "abcd");
  const auto graph = engine()->load_bytes({.graph = bytes("files")});
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().kind(), ErrorKind::permission_denied);
}

TEST_F(OnnxEngineTest, BytesMakeAGraph) {
  const auto graph = engine()->load_bytes({.graph = bytes("sum")}).value();
  const Tensor one = floats({1}, {1});
  EXPECT_TRUE(graph->compute({{"a", one}, {"b", one}}, {}).ok());
}

TEST_F(OnnxEngineTest, AFileThatIsNoneOrBrokenIsAnError) {
  EXPECT_EQ(engine()->load_file({.path = "/no/such.onnx"}).error().kind(), ErrorKind::not_found);
  EXPECT_FALSE(engine()->load_file({.path = kFolder / "graphs" / "vocabulary.txt"}).ok());
  for (const char* name : {"sum", "types", "endless"}) {
    Buffer whole = bytes(name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const auto graph = engine()->load_bytes({.graph = ByteView(whole).first(size)});
      if (graph.ok()) continue;  // what is cut off at the end of a field may still be a model
      EXPECT_EQ(graph.error().kind(), ErrorKind::corrupt_data)
          << name << " " << size << ": " << graph.error().describe();
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {  // one bit after the other
      for (unsigned bit = 0; bit < 8; ++bit) {
        whole[at] ^= std::byte(1U << bit);
        (void)engine()->load_bytes({.graph = whole});
        whole[at] ^= std::byte(1U << bit);
      }
    }
  }
}

TEST_F(OnnxEngineTest, ASentenceEncoderWithRealWeights) {
  const auto graph = load("minilm");
  const std::vector<std::uint32_t> shape = {2, 4};
  const Tensor ids = longs(shape, {101, 4937, 102, 0, 101, 2482, 3193, 102});
  const Tensor mask = longs(shape, {1, 1, 1, 0, 1, 1, 1, 1});
  const auto outputs =
      graph
          ->compute({{"input_ids", ids},
                     {"attention_mask", mask},
                     {"token_type_ids", longs(shape, std::vector<std::int64_t>(8))}},
                    {})
          .value();
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0].tensor.shape, (std::vector<std::uint32_t>{2, 4, 384}));
  EXPECT_EQ(outputs[1].tensor.shape, (std::vector<std::uint32_t>{2, 384}));
  const std::vector<float> vectors = floats_of(outputs[1].tensor);
  float length = 0;
  for (std::size_t i = 0; i < 384; ++i) length += vectors[i] * vectors[i];
  EXPECT_NEAR(length, 1.0F, 1e-4F);
}

}  // namespace
}  // namespace quern::tensor
