#include "cli/model_component.hpp"

#include "base/fakes.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

// It lies in memory only: a second reader, of the disk, would not find it.
TEST(ModelComponent, AProgramIsReadOnceFromTheFilesThatWereGiven) {
  FakeFiles files;
  const std::string empty_module("\0asm\1\0\0\0", 8);
  ASSERT_TRUE(files.write("/app.wasm", as_bytes(empty_module)).ok());
  const auto engine = wasm::Engine::create({}).value();
  const auto program = load_program(*engine, "/app.wasm", {}, std::nullopt, files);
  ASSERT_TRUE(program.ok()) << program.error().describe();
  EXPECT_EQ((*program)->kind(), wasm::ProgramKind::module);
  EXPECT_EQ(load_program(*engine, "/absent.wasm", {}, std::nullopt, files).error().kind(),
            ErrorKind::not_found);
}

}  // namespace
}  // namespace quern::cli
