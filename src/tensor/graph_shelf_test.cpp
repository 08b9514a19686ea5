#include "tensor/graph_shelf.hpp"

#include "tensor/fakes.hpp"
#include <gtest/gtest.h>

namespace quern::tensor {
namespace {

class GraphShelfTest : public ::testing::Test {
 protected:
  int opened = 0;
  GraphShelf shelf{[this]() -> Result<std::unique_ptr<Engine>> {
    ++opened;
    return std::make_unique<FakeEngine>();
  }};
};

TEST_F(GraphShelfTest, AGraphIsLoadedOnceAndShared) {
  shelf.add("encoder", "a.onnx");
  EXPECT_TRUE(shelf.has("encoder"));
  EXPECT_EQ(opened, 0) << "before anybody asks";
  EXPECT_EQ(shelf.loaded("encoder"), nullptr);
  const auto graph = shelf.open("encoder").value();
  EXPECT_EQ(shelf.open("encoder").value(), graph);
  EXPECT_EQ(shelf.loaded("encoder"), graph);
  EXPECT_EQ(opened, 1);
}

TEST_F(GraphShelfTest, SaysWhichGraphFailed) {
  shelf.add("notes", "notes.txt");
  const auto failed = shelf.open("notes");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(failed.error().describe(), "loading notes: notes.txt is no graph");
  EXPECT_EQ(shelf.open("other").error().kind(), ErrorKind::not_found);
}

TEST_F(GraphShelfTest, BytesMakeAGraphOfTheirOwn) {
  const auto one = shelf.load(as_bytes("ONNX")).value();
  EXPECT_NE(shelf.load(as_bytes("ONNX")).value(), one);
  EXPECT_EQ(shelf.load(as_bytes("GGUF")).error().kind(), ErrorKind::corrupt_data);
}

TEST(GraphShelf, WithoutALibraryTheErrorIsTheLibrarys) {
  GraphShelf shelf([]() -> Result<std::unique_ptr<Engine>> {
    return fail(ErrorKind::unsupported, "no library is here");
  });
  shelf.add("a", "a.onnx");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(shelf.open("a").error().describe(), "no library is here");
  }
}

}  // namespace
}  // namespace quern::tensor
