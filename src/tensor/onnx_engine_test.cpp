// ONNX Runtime itself, on the graphs that deps/onnx_models.py makes.
#include "tensor/test_engines.hpp"

namespace quern::tensor {
namespace {

struct OnnxRuntime {
  static constexpr const char* kName = "ONNX Runtime";
  static constexpr const char* kSetUp = "deps/onnx.sh";
  // The library is not built for ThreadSanitizer, which cannot see its locks.
#if defined(__has_feature)
  static constexpr const char* kUnfit =
      __has_feature(thread_sanitizer) ? "'s own threads look like races to ThreadSanitizer" : "";
#else
  static constexpr const char* kUnfit = "";
#endif
  static constexpr const char* kWithin = "onnxruntime/capi";
  static constexpr const char* kLibrary = "libonnxruntime.so";

  static Path folder() { return QUERN_ONNX_DIR; }
  static Path file(const std::string& name) { return folder() / "graphs" / (name + ".onnx"); }
  static Result<std::unique_ptr<Engine>> open(const std::string& library) {
    FakeProcess process;
    process.environment = {{"QUERN_ONNXRUNTIME", library}};
    RealFiles files;
    return open_onnx_runtime({.memory = 512_MiB, .threads = 2}, process, files);
  }
  static Result<std::shared_ptr<Graph>> load(Engine& engine, const std::string& name) {
    return engine.load_file({.path = file(name)});
  }
  // Never.
  static std::pair<std::string, NamedTensors> endless() {
    return {"endless", {{"step", floats({1}, {1})}}};
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(OnnxRuntime, EngineContract, OnnxRuntime);

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

class OnnxEngineTest : public EngineTest<OnnxRuntime> {
 protected:
  static Buffer bytes(const std::string& name) { return bytes_of_file(OnnxRuntime::file(name)); }
};

TEST_F(OnnxEngineTest, SaysWhichLibraryItIs) {
  EXPECT_TRUE(engine()->describe().starts_with("ONNX Runtime 1."));
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
  EXPECT_FALSE(
      engine()->load_file({.path = OnnxRuntime::folder() / "graphs" / "vocabulary.txt"}).ok());
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

}  // namespace
}  // namespace quern::tensor
