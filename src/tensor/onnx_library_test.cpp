#include "tensor/onnx_library.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::tensor {
namespace {

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
