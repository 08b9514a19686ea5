#include "tensor/shared_library.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::tensor {
namespace {

using Path = std::filesystem::path;

const SharedLibrary kAbacus = {.variable = "ABACUS",
                               .file = "libabacus.so",
                               .system = {"libabacus.so.1", "libabacus.so"},
                               .package = "abacus/capi",
                               .missing = "buy an abacus"};

TEST(SharedLibrary, IsLookedForBesideTheProgramThenInTheSystemThenInPython) {
  FakeFiles files;
  FakeProcess process;
  process.path = "/opt/quern/bin/quern";
  process.environment = {{"HOME", "/home/ann"}, {"VIRTUAL_ENV", "/venv"}};
  for (const char* file :
       {"/opt/quern/lib/quern/libabacus.so.1", "/opt/quern/lib/quern/libggml.so",
        "/usr/lib/x86_64-linux-gnu/libabacus.so.1.21",
        "/venv/lib/python3.11/site-packages/abacus/capi/libabacus.so.1.32.0",
        "/home/ann/.local/lib/python3.9/site-packages/abacus/capi/libabacus.so.1.14.1"}) {
    ASSERT_TRUE(files.make_directories(Path(file).parent_path(), 0755).ok());
    ASSERT_TRUE(files.write(file, {}).ok());
  }
  const std::vector<Path> expected = {
      "/opt/quern/lib/quern/libabacus.so.1",
      "libabacus.so.1",
      "libabacus.so",
      "/usr/lib/x86_64-linux-gnu/libabacus.so.1.21",
      "/venv/lib/python3.11/site-packages/abacus/capi/libabacus.so.1.32.0",
      "/home/ann/.local/lib/python3.9/site-packages/abacus/capi/libabacus.so.1.14.1"};
  EXPECT_EQ(library_places(kAbacus, process, files), expected);
}

TEST(SharedLibrary, TheFirstThatServesIsTaken) {
  FakeFiles files;
  FakeProcess process;
  SharedLibrary maths = kAbacus;
  maths.system = {"/no/such/libm.so.6", "libc.so.6", "libm.so.6", "libdl.so.2"};
  std::vector<Path> tried;
  const auto use = [&](void* handle, const Path& place) -> Result<> {
    EXPECT_NE(handle, nullptr);
    tried.push_back(place);
    if (place == "libm.so.6") return {};
    return fail(ErrorKind::unsupported, "another");
  };
  EXPECT_TRUE(load_library(maths, process, files, use).ok());
  EXPECT_EQ(tried, (std::vector<Path>{"libc.so.6", "libm.so.6"}));
}

TEST(SharedLibrary, WhereNoneServesItIsSaidOfTheFirstWhy) {
  FakeFiles files;
  FakeProcess process;
  SharedLibrary maths = kAbacus;
  maths.system = {"libm.so.6", "libc.so.6"};
  const auto use = [](void* /*handle*/, const Path& place) -> Result<> {
    return fail(ErrorKind::unsupported, place.string() + " is too old");
  };
  const auto none = load_library(maths, process, files, use);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind(), ErrorKind::not_found) << "another library may serve";
  EXPECT_EQ(none.error().describe(), "libm.so.6 is too old");
}

TEST(SharedLibrary, NowhereIsToldApartFromOneThatIsNamed) {
  FakeFiles files;
  FakeProcess process;
  const auto use = [](void* /*handle*/, const Path& /*place*/) { return Result<>(); };
  const auto nowhere = load_library(kAbacus, process, files, use);
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().kind(), ErrorKind::not_found);
  EXPECT_EQ(nowhere.error().describe(), "buy an abacus");
  process.environment = {{"ABACUS", "/no/such/libabacus.so"}};
  const auto named = load_library(kAbacus, process, files, use);
  ASSERT_FALSE(named.ok());
  EXPECT_EQ(named.error().kind(), ErrorKind::unsupported);
  EXPECT_TRUE(named.error().describe().starts_with("ABACUS=/no/such/libabacus.so: "));
}

}  // namespace
}  // namespace quern::tensor
