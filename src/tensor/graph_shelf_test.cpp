#include "tensor/graph_shelf.hpp"

#include "tensor/fakes.hpp"
#include <gtest/gtest.h>

#include <array>

namespace quern::tensor {
namespace {

constexpr std::array kOnnx = {Encoding::onnx};

class GraphShelfTest : public ::testing::Test {
 protected:
  int opened = 0;
  GraphShelf shelf{
      {{.name = "a fake", .reads = kOnnx, .open = [this]() -> Result<std::unique_ptr<Engine>> {
          ++opened;
          return std::make_unique<FakeEngine>();
        }}}};
};

TEST_F(GraphShelfTest, AGraphIsLoadedOnceAndShared) {
  shelf.add("encoder", {.path = "a.onnx"});
  EXPECT_TRUE(shelf.has("encoder"));
  EXPECT_EQ(opened, 0) << "before anybody asks";
  EXPECT_EQ(shelf.loaded("encoder"), nullptr);
  const auto graph = shelf.open("encoder").value();
  EXPECT_EQ(shelf.open("encoder").value(), graph);
  EXPECT_EQ(shelf.loaded("encoder"), graph);
  EXPECT_EQ(opened, 1);
}

TEST_F(GraphShelfTest, SaysWhichGraphFailed) {
  shelf.add("notes", {.path = "notes.txt"});
  const auto failed = shelf.open("notes");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(failed.error().describe(), "loading notes: notes.txt is no graph");
  EXPECT_EQ(shelf.open("other").error().kind(), ErrorKind::not_found);
}

TEST_F(GraphShelfTest, BytesMakeAGraphOfTheirOwn) {
  const auto one = shelf.load({.graph = as_bytes("ONNX")}).value();
  EXPECT_NE(shelf.load({.graph = as_bytes("ONNX")}).value(), one);
  EXPECT_EQ(shelf.load({.graph = as_bytes("GGUF")}).error().kind(), ErrorKind::corrupt_data);
}

TEST_F(GraphShelfTest, WhatNoLibraryReadsIsUnsupported) {
  const auto graph = shelf.load({.encoding = Encoding::tensorflow, .graph = as_bytes("ONNX")});
  ASSERT_FALSE(graph.ok());
  EXPECT_EQ(graph.error().kind(), ErrorKind::unsupported);
  EXPECT_EQ(graph.error().describe(), "graphs of TensorFlow are not read here");
  EXPECT_EQ(opened, 0);
}

Library failing(ErrorKind kind, const std::string& words) {
  return {.name = "none", .reads = kOnnx, .open = [=]() -> Result<std::unique_ptr<Engine>> {
            return fail(kind, words);
          }};
}

TEST(GraphShelf, TheNextLibraryTakesThePlaceOfOneThatIsNotHere) {
  GraphShelf shelf({failing(ErrorKind::not_found, "not here"), fake_library()});
  shelf.add("a", {.path = "a.onnx"});
  EXPECT_TRUE(shelf.open("a").ok());
}

TEST(GraphShelf, NothingTakesThePlaceOfOneThatIsBroken) {
  GraphShelf shelf({failing(ErrorKind::unsupported, "the named one is broken"), fake_library()});
  shelf.add("a", {.path = "a.onnx"});
  EXPECT_EQ(shelf.open("a").error().describe(), "the named one is broken");
}

TEST(GraphShelf, WithoutALibraryTheErrorIsTheFirstOnes) {
  GraphShelf shelf(
      {failing(ErrorKind::not_found, "get this one"), failing(ErrorKind::not_found, "or this")});
  shelf.add("a", {.path = "a.onnx"});
  for (int i = 0; i < 2; ++i) {
    const auto graph = shelf.open("a");
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().kind(), ErrorKind::unsupported);
    EXPECT_EQ(graph.error().describe(), "get this one");
  }
}

}  // namespace
}  // namespace quern::tensor
