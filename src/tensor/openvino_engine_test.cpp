// OpenVINO itself, on the graphs that deps/openvino_models.py and deps/onnx_models.py make.
#include "tensor/test_engines.hpp"

#include <tuple>

namespace quern::tensor {
namespace {

const Path kOnnxGraphs = Path(QUERN_ONNX_DIR) / "graphs";

struct OpenVino {
  static constexpr const char* kName = "OpenVINO";
  static constexpr const char* kSetUp = "deps/openvino.sh";
  // ThreadSanitizer cannot see the library's locks, and AddressSanitizer ends a process that loads
  // a library the way OpenVINO loads parts of its own.
#if defined(__has_feature)
  static constexpr const char* kUnfit =
      __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
          ? " does not run under this sanitizer"
          : "";
#else
  static constexpr const char* kUnfit = "";
#endif
  static constexpr const char* kWithin = "openvino/libs";
  static constexpr const char* kLibrary = "libopenvino_c.so";

  static Path folder() { return QUERN_OPENVINO_DIR; }
  static Path file(const std::string& name) { return folder() / "graphs" / name; }
  static Result<std::unique_ptr<Engine>> open(const std::string& library) {
    static RealFiles files;
    FakeProcess process;
    process.environment = {{"QUERN_OPENVINO", library}};
    return open_openvino({.threads = 2}, process, files);
  }
  static Result<std::shared_ptr<Graph>> load(Engine& engine, const std::string& name) {
    return engine.load_file({.encoding = Encoding::openvino, .path = file(name + ".xml")});
  }
  static std::pair<std::string, NamedTensors> endless() {
    return {"chain", {{"x", floats({1000, 1000}, std::vector<float>(1'000'000, 1.0F))}}};
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(OpenVino, EngineContract, OpenVino);

class OpenVinoEngineTest : public EngineTest<OpenVino> {
 protected:
  static Path file(const std::string& name) { return OpenVino::file(name); }
  static Buffer bytes(const Path& path) { return bytes_of_file(path); }
  static Result<std::shared_ptr<Graph>> load_file(Encoding encoding, const Path& path) {
    return engine()->load_file({.encoding = encoding, .path = path});
  }
  static Result<std::shared_ptr<Graph>> load_ir(ByteView graph, ByteView weights) {
    return engine()->load_bytes(
        {.encoding = Encoding::openvino, .graph = graph, .weights = weights});
  }
};

TEST_F(OpenVinoEngineTest, SaysWhichLibraryItIs) {
  EXPECT_TRUE(engine()->describe().starts_with("OpenVINO 20")) << engine()->describe();
}

TEST_F(OpenVinoEngineTest, SeveralValuesAreNoSingleOne) {
  const auto outputs = load("scalar")->compute({{"x", floats({2}, {1, 2})}}, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind(), ErrorKind::invalid_argument) << outputs.error().describe();
}

TEST_F(OpenVinoEngineTest, WhatOursHasNoTypeForIsNamed) {
  const auto graph = load("truth");  // of truth values
  const auto outputs =
      graph->compute({{"x", {.type = ElementType::u8, .shape = {1}, .bytes = Buffer(1)}}}, {});
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind(), ErrorKind::invalid_argument);
  EXPECT_NE(outputs.error().describe().find("OpenVINO's type"), std::string::npos);
}

TEST_F(OpenVinoEngineTest, NumbersThatItWouldCutOffAreRefused) {
  const auto graph = load("large");
  for (const std::int64_t size : {1LL << 31, -(1LL << 31) - 1, (1LL << 40) + 1}) {
    const auto outputs = graph->compute({{"size", longs({1}, {size})}}, {});
    ASSERT_FALSE(outputs.ok());
    EXPECT_EQ(outputs.error().kind(), ErrorKind::invalid_argument);
    EXPECT_NE(outputs.error().describe().find(std::to_string(size)), std::string::npos);
  }
}

TEST_F(OpenVinoEngineTest, WhatIsStoppedBeforeItBeginsEnds) {
  const auto [name, inputs] = OpenVino::endless();
  std::stop_source stop;
  stop.request_stop();
  const auto outputs = load(name)->compute(inputs, stop.get_token());
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(outputs.error().kind(), ErrorKind::cancelled);
}

TEST_F(OpenVinoEngineTest, ReadsTheOtherFormsFromFiles) {
  const std::vector<float> x = {1, -2, 3, -4, 5, -6, 7, -8, 8, 7, 6, 5, 4, 3, 2, 1};
  std::vector<float> first;
  for (const auto& [encoding, name] :
       {std::pair(Encoding::tensorflow, "dense.pb"), std::pair(Encoding::tensorflow, "dense"),
        std::pair(Encoding::tensorflow_lite, "dense.tflite")}) {
    const auto graph = load_file(encoding, file(name));
    ASSERT_TRUE(graph.ok()) << name << ": " << graph.error().describe();
    ASSERT_EQ((*graph)->inputs().size(), 1U);
    const auto outputs = (*graph)->compute({{"x", floats({2, 8}, x)}}, {});
    ASSERT_TRUE(outputs.ok()) << name << ": " << outputs.error().describe();
    ASSERT_EQ(outputs->size(), 1U);
    EXPECT_EQ(outputs->front().tensor.shape, (std::vector<std::uint32_t>{2, 4})) << name;
    const std::vector<float> values = floats_of(outputs->front().tensor);
    if (first.empty()) first = values;
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], first[i], 1e-6F) << name;
  }
  EXPECT_TRUE(load_file(Encoding::onnx, kOnnxGraphs / "sum.onnx").ok());
}

TEST_F(OpenVinoEngineTest, TheSentenceEncoderIsTheSameInBothForms) {
  const std::vector<std::uint32_t> shape = {2, 4};
  const NamedTensors inputs = {
      {"input_ids", longs(shape, {101, 4937, 102, 0, 101, 2482, 3193, 102})},
      {"attention_mask", longs(shape, {1, 1, 1, 0, 1, 1, 1, 1})},
      {"token_type_ids", longs(shape, std::vector<std::int64_t>(8))}};
  const auto own = load("minilm")->compute(inputs, {}).value();
  const auto onnx =
      load_file(Encoding::onnx, kOnnxGraphs / "minilm.onnx").value()->compute(inputs, {}).value();
  ASSERT_EQ(own.size(), 2U);
  EXPECT_EQ(own[1].tensor.shape, (std::vector<std::uint32_t>{2, 384}));
  const auto vectors = floats_of(own[1].tensor);
  const auto others = floats_of(onnx[1].tensor);
  for (std::size_t i = 0; i < 384; ++i) {
    EXPECT_NEAR(vectors[i], others[i], 1e-5F);
  }
}

TEST_F(OpenVinoEngineTest, BytesMakeAGraphWithWeightsOfItsOwn) {
  std::shared_ptr<Graph> graph;
  {
    Buffer xml = bytes(file("minilm.xml"));
    Buffer weights = bytes(file("minilm.bin"));
    graph = load_ir(xml, weights).value();
    std::fill(weights.begin(), weights.end(), std::byte{0xFF});
  }
  const std::vector<std::uint32_t> shape = {1, 2};
  const auto outputs = graph
                           ->compute({{"input_ids", longs(shape, {101, 102})},
                                      {"attention_mask", longs(shape, {1, 1})},
                                      {"token_type_ids", longs(shape, {0, 0})}},
                                     {})
                           .value();
  float length = 0;
  for (const float value : floats_of(outputs[1].tensor)) length += value * value;
  EXPECT_NEAR(length, 1.0F, 1e-4F);
  const auto sum = engine()->load_bytes({.graph = bytes(kOnnxGraphs / "sum.onnx")});
  EXPECT_TRUE(sum.ok()) << sum.error().describe();
}

TEST_F(OpenVinoEngineTest, BytesMayNotLeadToFiles) {
  const auto graph = engine()->load_bytes({.graph = bytes(kOnnxGraphs / "files.onnx")});
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().kind(), ErrorKind::permission_denied);
  const auto owners = load_file(Encoding::onnx, kOnnxGraphs / "files.onnx");
  ASSERT_TRUE(owners.ok()) << owners.error().describe();
  EXPECT_EQ(as_text((*owners)->compute({}, {}).value().front().tensor.bytes), "abcd");
}

TEST_F(OpenVinoEngineTest, BytesAreOfFormsThatCanBeLookedAtAndOfASizeThatEnds) {
  for (const auto& [encoding, name] : {std::pair(Encoding::tensorflow, "dense.pb"),
                                       std::pair(Encoding::tensorflow_lite, "dense.tflite")}) {
    const auto graph = engine()->load_bytes({.encoding = encoding, .graph = bytes(file(name))});
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().kind(), ErrorKind::unsupported);
    EXPECT_NE(graph.error().describe().find("--nn-preload"), std::string::npos);
  }
  std::string many = "<net><layers>";
  for (int i = 0; i < 3001; ++i) many += "<layer/>";
  const auto graph = load_ir(as_bytes(many + "</layers></net>"), {});
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().kind(), ErrorKind::resource_exhausted);
}

TEST_F(OpenVinoEngineTest, AFileThatIsMissingOrForeignIsAnError) {
  EXPECT_EQ(load_file(Encoding::openvino, "/no/such.xml").error().kind(), ErrorKind::not_found);
  const auto weights = engine()->load_file(
      {.encoding = Encoding::openvino, .path = file("sum.xml"), .weights = "/no/such.bin"});
  EXPECT_EQ(weights.error().kind(), ErrorKind::not_found);
  for (const Encoding encoding :
       {Encoding::openvino, Encoding::onnx, Encoding::tensorflow, Encoding::tensorflow_lite}) {
    const auto graph = load_file(encoding, kOnnxGraphs / "vocabulary.txt");
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().kind(), ErrorKind::corrupt_data) << graph.error().describe();
  }
}

// A graph of one constant, which is its output.
std::string constant(const std::string& type, const std::string& port, int count,
                     const std::string& offset, const std::string& size) {
  const std::string dim = "<dim>" + std::to_string(count) + "</dim>";
  const std::string shape = " precision=\"" + port + "\">" + dim + "</port>";
  return "<net name=\"n\" version=\"11\"><layers>"
         "<layer id=\"0\" name=\"c\" type=\"Const\" version=\"opset1\"><data element_type=\"" +
         type + "\" shape=\"" + std::to_string(count) + "\" offset=\"" + offset + "\" size=\"" +
         size + "\"/><output><port id=\"0\"" + shape +
         "</output></layer>"
         "<layer id=\"1\" name=\"y\" type=\"Result\" version=\"opset1\"><input><port id=\"0\"" +
         shape +
         "</input></layer></layers><edges>"
         "<edge from-layer=\"0\" from-port=\"0\" to-layer=\"1\" to-port=\"0\"/></edges></net>";
}

TEST_F(OpenVinoEngineTest, ConstantsLieWithinTheWeights) {
  const std::string weights(64, 'w');
  const auto load_floats = [&](int count, const char* offset, const char* size) {
    return load_ir(as_bytes(constant("f32", "FP32", count, offset, size)), as_bytes(weights));
  };
  const auto whole = load_floats(16, "0", "64");
  ASSERT_TRUE(whole.ok()) << whole.error().describe();
  EXPECT_EQ(as_text((*whole)->compute({}, {}).value().front().tensor.bytes), weights);
  for (const auto& [count, offset, size] :
       {std::tuple(16, "4", "64"), std::tuple(1'000'000, "0", "64"),
        std::tuple(1'000'000, "0", "4000000"), std::tuple(4, "-8", "16"),
        std::tuple(2048, "18446744073709543424", "8192"),
        std::tuple(16, "9223372036854775807", "64"),
        std::tuple(16, "9223372036854775807", "9223372036854775807")}) {
    const auto graph = load_floats(count, offset, size);
    ASSERT_FALSE(graph.ok()) << offset;
    EXPECT_EQ(graph.error().kind(), ErrorKind::corrupt_data) << graph.error().describe();
  }
}

// Texts lie in the weights behind their number and the places where they begin and end.
TEST_F(OpenVinoEngineTest, TextsLieWithinTheWeights) {
  for (const std::vector<std::int32_t>& head : {std::vector<std::int32_t>{2, 0, 1, 2'000'000'000},
                                                {2, 0, -5, 2},
                                                {2'147'483'647, 0, 1, 2},
                                                {-1, 0, 1, 2},
                                                {2, -100'000'000, 100'000'000, 2},
                                                {2},
                                                {}}) {
    const std::string weights = std::string(as_text(std::as_bytes(std::span(head)))) + "ab";
    const std::string size = std::to_string(weights.size());
    const auto graph =
        load_ir(as_bytes(constant("string", "STRING", 2, "0", size)), as_bytes(weights));
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().kind(), ErrorKind::corrupt_data) << graph.error().describe();
  }
}

TEST_F(OpenVinoEngineTest, ForeignBytesThatAreBrokenAreAnError) {
  for (const char* name : {"sum", "endless"}) {  // one has a body within
    const Buffer weights = bytes(file(std::string(name) + ".bin"));
    Buffer whole = bytes(file(std::string(name) + ".xml"));
    for (std::size_t size = 0; size < whole.size(); size += 31) {
      const auto graph = load_ir(ByteView(whole).first(size), weights);
      ASSERT_FALSE(graph.ok());
      EXPECT_EQ(graph.error().kind(), ErrorKind::corrupt_data)
          << name << " " << size << ": " << graph.error().describe();
    }
    for (std::size_t at = 0; at < whole.size(); at += 13) {
      whole[at] ^= std::byte(1U << at % 8);
      (void)load_ir(whole, weights);
      whole[at] ^= std::byte(1U << at % 8);
    }
  }
  const auto short_of_weights = load_ir(bytes(file("minilm.xml")), as_bytes("1234"));
  ASSERT_FALSE(short_of_weights.ok());
  EXPECT_EQ(short_of_weights.error().kind(), ErrorKind::corrupt_data);
  EXPECT_FALSE(load_ir(bytes(kOnnxGraphs / "sum.onnx"), {}).ok());
}

}  // namespace
}  // namespace quern::tensor
