#include "tensor/onnx_library.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::tensor {
namespace {

using Path = std::filesystem::path;

TEST(OnnxLibrary, IsLookedForBesideTheProgramThenInTheSystemThenInPython) {
  FakeFiles files;
  FakeProcess process;
  process.path = "/opt/quern/bin/quern";
  process.environment = {{"HOME", "/home/ann"}, {"VIRTUAL_ENV", "/venv"}};
  for (const char* file :
       {"/opt/quern/lib/quern/libonnxruntime.so.1", "/opt/quern/lib/quern/libggml.so",
        "/venv/lib/python3.11/site-packages/onnxruntime/capi/libonnxruntime.so.1.32.0",
        "/home/ann/.local/lib/python3.9/site-packages/onnxruntime/capi/libonnxruntime.so.1.14.1"}) {
    ASSERT_TRUE(files.make_directories(Path(file).parent_path(), 0755).ok());
    ASSERT_TRUE(files.write(file, {}).ok());
  }
  const std::vector<Path> expected = {
      "/opt/quern/lib/quern/libonnxruntime.so.1", "libonnxruntime.so.1", "libonnxruntime.so",
      "/venv/lib/python3.11/site-packages/onnxruntime/capi/libonnxruntime.so.1.32.0",
      "/home/ann/.local/lib/python3.9/site-packages/onnxruntime/capi/libonnxruntime.so.1.14.1"};
  EXPECT_EQ(onnx_library_places(process, files), expected);
}

TEST(OnnxLibrary, OneThatIsNamedIsTheOnlyOne) {
  FakeFiles files;
  FakeProcess process;
  process.environment = {{"QUERN_ONNXRUNTIME", "/no/such/libonnxruntime.so"}};
  const auto library = load_onnx_library(process, files);
  ASSERT_FALSE(library.ok());
  EXPECT_EQ(library.error().kind(), ErrorKind::unsupported);
  EXPECT_TRUE(
      library.error().describe().starts_with("QUERN_ONNXRUNTIME=/no/such/libonnxruntime.so: "));
}

TEST(OnnxLibrary, ALibraryThatIsAnotherIsToldSo) {
  FakeFiles files;
  FakeProcess process;
  process.environment = {{"QUERN_ONNXRUNTIME", "libm.so.6"}};
  const auto library = load_onnx_library(process, files);
  ASSERT_FALSE(library.ok());
  EXPECT_TRUE(library.error().describe().ends_with("libm.so.6 is not ONNX Runtime"))
      << library.error().describe();
}

}  // namespace
}  // namespace quern::tensor
