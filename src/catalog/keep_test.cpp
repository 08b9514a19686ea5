// Weights that the store is given rather than asked for: files, and what a registry holds.
#include "catalog/catalog.hpp"
#include "catalog/test_support.hpp"

#include <gtest/gtest.h>

namespace quern::catalog::test {
namespace {

class Keeping : public ::testing::Test {
 protected:
  Catalog catalog() { return Catalog({.store = "/store"}, network_, {files_, clock_, process_}); }
  std::string content(const std::filesystem::path& path) {
    const auto bytes = files_.read(path, 1_GiB);
    return bytes.ok() ? std::string(as_text(*bytes)) : "no " + path.string();
  }

  const std::string weights_ = make_gguf(100'000);
  FakeFiles files_;
  FakeNetwork network_;
  EagerClock clock_;
  FakeProcess process_;
};

TEST_F(Keeping, a_file_that_is_kept_is_found_by_its_digest) {
  ASSERT_TRUE(files_.make_directories("/home", 0755).ok());
  ASSERT_TRUE(files_.write("/home/own.gguf", as_bytes(weights_)).ok());
  EXPECT_EQ(catalog().find(digest(weights_)).error().kind(), ErrorKind::not_found);
  const auto kept = catalog().keep("/home/own.gguf", {});
  ASSERT_TRUE(kept.ok()) << kept.error().describe();
  EXPECT_EQ(kept->digest, digest(weights_));
  EXPECT_EQ(content(kept->path), weights_);
  EXPECT_NE(kept->path, "/home/own.gguf");
  EXPECT_EQ(catalog().find(digest(weights_))->name, "own");
  EXPECT_EQ(catalog().keep("/home/own.gguf", {})->path, kept->path) << "once";
  // Another file of this name gets a name of its own.
  ASSERT_TRUE(files_.write("/home/own.gguf", as_bytes(make_gguf(5000, 7))).ok());
  const auto second = catalog().keep("/home/own.gguf", {});
  ASSERT_TRUE(second.ok()) << second.error().describe();
  EXPECT_NE(second->name, "own");
  EXPECT_EQ(content(kept->path), weights_);
  // Nor does a file take a known model's name.
  ASSERT_TRUE(files_.write("/home/gemma-3-270m.gguf", as_bytes(make_gguf(6000, 9))).ok());
  EXPECT_EQ(catalog().keep("/home/gemma-3-270m.gguf", {})->name.find("sha256-"), 0U);
  EXPECT_EQ(catalog().pull("sha256:" + std::string(64, '0'), {}, {}).error().kind(),
            ErrorKind::not_found);
  EXPECT_TRUE(network_.requests().empty());
}

TEST_F(Keeping, fetches_what_somebody_vouches_for) {
  const std::string url = "http://127.0.0.1:5000/v2/a/blobs/x";
  Remote remote{.digest = digest(weights_),
                .size = Bytes{weights_.size()},
                .licence = "MIT",
                .source = "localhost:5000/a:1",
                .request = {.url = url, .headers = {{"Authorization", "Bearer t"}}}};
  network_.set(url, {.body = weights_, .breaks_after = 60'000});
  const auto got = catalog().fetch(remote, {}, {});
  ASSERT_TRUE(got.ok()) << got.error().describe();
  EXPECT_EQ(content(got->path), weights_);
  EXPECT_EQ(got->source, "localhost:5000/a:1");
  const auto requests = network_.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].offset, 60'000U) << "it goes on where it broke";
  EXPECT_EQ(requests[1].headers[0].second, "Bearer t");
  EXPECT_EQ(got->name, "sha256-" + digest(weights_).substr(7, 32))
      << "nobody else says what is run under a name here";
  EXPECT_EQ(catalog().fetch(remote, {}, {})->name, got->name) << "weights are kept once";
  EXPECT_EQ(network_.requests().size(), 2U);
  // Other bytes than were promised.
  const std::string more = make_gguf(4000, 3);
  remote = {.digest = digest(more),
            .size = Bytes{more.size()},
            .licence = {},
            .source = "s",
            .request = {.url = url + "2", .headers = {}}};
  network_.set(url + "2", {.body = make_gguf(4000, 4)});
  EXPECT_EQ(catalog().fetch(remote, {}, {}).error().kind(), ErrorKind::corrupt_data);
  network_.set(url + "2", {.body = more});
  const auto second = catalog().fetch(remote, {}, {});
  ASSERT_TRUE(second.ok()) << second.error().describe();
  EXPECT_NE(second->name, got->name);
  EXPECT_EQ(content(got->path), weights_);
}

}  // namespace
}  // namespace quern::catalog::test
