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

TEST(OpenVinoLibrary, OneThatIsTooOldIsNotUsed) {
  for (const char* version : {"2026.2.1", "2026.4.1", "2026.10.0", "2027.0.0", "2031.10"}) {
    EXPECT_TRUE(can_use_openvino(version)) << version;
  }
  for (const char* version : {"2026.1.0", "2025.4.1", "2025.10", "2026", "2026.", "", "custom"}) {
    EXPECT_FALSE(can_use_openvino(version)) << version;
  }
}

}  // namespace
}  // namespace quern::tensor
