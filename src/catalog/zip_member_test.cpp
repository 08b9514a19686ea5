#include "catalog/zip_member.hpp"

#include "catalog/test_support.hpp"

#include <gtest/gtest.h>

namespace quern::catalog::test {
namespace {

// Unpacks `name` out of `zip`; the text, or the error.
Result<std::string> unpack(const std::string& zip, const std::string& name) {
  FakeFiles files;
  TRY(files.write("/zip", as_bytes(zip)));
  const ZipMember member = TRY(find_member(files, "/zip", name));
  std::string text;
  const auto take = [&](ByteView bytes) -> Result<> {
    text += as_text(bytes);
    return {};
  };
  TRY(unpack_member(files, "/zip", name, member, {}, take));
  return text;
}

ErrorKind problem(const std::string& zip, const std::string& name = "a") {
  const auto unpacked = unpack(zip, name);
  return unpacked.ok() ? ErrorKind::internal : unpacked.error().kind();
}

TEST(Zip, unpacks_stored_and_deflated) {
  const std::string big = make_gguf(1'000'000);
  const std::string zeros(3'000'000, '\0');
  const std::string zip =
      make_zip({{"a", "stored", false}, {"dir/b", big}, {"c", zeros}, {"d", ""}});
  EXPECT_EQ(*unpack(zip, "a"), "stored");
  EXPECT_EQ(*unpack(zip, "dir/b"), big);
  EXPECT_EQ(*unpack(zip, "c"), zeros);
  EXPECT_EQ(*unpack(zip, "d"), "");
  EXPECT_EQ(problem(zip, "b"), ErrorKind::not_found);
}

TEST(Zip, a_comment_at_the_end_is_fine) {
  std::string zip = make_zip({{"a", "x"}});
  zip[zip.size() - 2] = 3;
  EXPECT_EQ(*unpack(zip + "abc", "a"), "x");
}

// Offsets in a zip with the single member "a": local header at 0, directory behind it.
std::string with_byte(std::string zip, std::size_t at, char byte) {
  zip.at(at) = byte;
  return zip;
}

TEST(Zip, lies_are_corrupt_data) {
  const std::string content = make_gguf(1000);
  const std::string zip = make_zip({{"a", content}});
  const std::size_t directory = zip.rfind("PK\x01\x02");
  const std::size_t end = zip.rfind("PK\x05\x06");
  EXPECT_EQ(problem(with_byte(zip, directory + 16, 'x')), ErrorKind::corrupt_data);  // CRC
  EXPECT_EQ(problem(with_byte(zip, directory + 24, 1)),
            ErrorKind::corrupt_data);  // too small: a bomb
  EXPECT_EQ(problem(with_byte(zip, directory + 26, 1)), ErrorKind::corrupt_data);   // too large
  EXPECT_EQ(problem(with_byte(zip, directory + 20, 9)), ErrorKind::corrupt_data);   // packed size
  EXPECT_EQ(problem(with_byte(zip, directory + 45, 9)), ErrorKind::corrupt_data);   // offset
  EXPECT_EQ(problem(with_byte(zip, directory + 28, 99)), ErrorKind::corrupt_data);  // name's length
  EXPECT_EQ(problem(with_byte(zip, directory, 'x')), ErrorKind::corrupt_data);
  EXPECT_EQ(problem(with_byte(zip, 30, 'b')), ErrorKind::corrupt_data);  // local name
  EXPECT_EQ(problem(with_byte(zip, 0, 'x')), ErrorKind::corrupt_data);
  EXPECT_EQ(problem(with_byte(zip, 40, static_cast<char>(0xff))), ErrorKind::corrupt_data);  // data
  EXPECT_EQ(problem(with_byte(zip, end + 15, 9)), ErrorKind::corrupt_data);  // directory's size
  EXPECT_EQ(problem(with_byte(zip, end, 'x')), ErrorKind::corrupt_data);
}

TEST(Zip, other_ways_of_packing_are_unsupported) {
  const std::string zip = make_zip({{"a", "x"}});
  const std::size_t directory = zip.rfind("PK\x01\x02");
  EXPECT_EQ(problem(with_byte(zip, directory + 8, 1)), ErrorKind::unsupported);    // encrypted
  EXPECT_EQ(problem(with_byte(zip, directory + 10, 12)), ErrorKind::unsupported);  // bzip2
}

TEST(Zip, two_members_of_one_name_are_refused) {
  EXPECT_EQ(problem(make_zip({{"a", "one"}, {"a", "two"}})), ErrorKind::corrupt_data);
}

TEST(Zip, no_cut_is_taken_for_a_zip) {
  const std::string zip = make_zip({{"a", make_gguf(300)}, {"b", "x"}});
  for (std::size_t size = 0; size < zip.size(); ++size) {
    EXPECT_EQ(problem(zip.substr(0, size)), ErrorKind::corrupt_data) << size;
  }
}

TEST(Zip, no_flipped_byte_goes_unnoticed) {
  const std::string content = make_gguf(300);
  const std::string zip = make_zip({{"a", content}});
  for (std::size_t at = 0; at < zip.size(); ++at) {
    const auto unpacked = unpack(with_byte(zip, at, static_cast<char>(zip[at] ^ 0x5a)), "a");
    if (unpacked.ok()) {
      EXPECT_EQ(*unpacked, content) << at;
    }  // a byte that nobody reads
  }
}

}  // namespace
}  // namespace quern::catalog::test
