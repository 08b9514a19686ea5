#include "tensor/openvino_library.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::tensor {
namespace {

TEST(OpenVinoLibrary, ALibraryThatIsAnotherIsToldSo) {
  FakeFiles files;
  FakeProcess process;
  process.environment = {{"QUERN_OPENVINO", "libm.so.6"}};
  const auto library = load_openvino(process, files);
  ASSERT_FALSE(library.ok());
  EXPECT_TRUE(library.error().describe().ends_with("libm.so.6 is not OpenVINO's library for C"))
      << library.error().describe();
}

}  // namespace
}  // namespace quern::tensor
