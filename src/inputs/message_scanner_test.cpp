#include "inputs/message_scanner.hpp"

#include "logs/logs.hpp"
#include <gtest/gtest.h>

namespace quern::inputs {
namespace {

Buffer message(std::string_view json) {
  Buffer out;
  EXPECT_TRUE(logs::from_json(json, out).ok());
  return out;
}

// Fed a byte more each time.
std::size_t found_after(const Buffer& bytes, MessageScanner& scanner) {
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto end = scanner.find_end(ByteView(bytes).first(size));
    EXPECT_TRUE(end.ok());
    if (end.ok() && *end) {
      EXPECT_EQ(**end, size);
      return size;
    }
  }
  return 0;
}

TEST(MessageScanner, FindsTheEndHoweverSmallThePieces) {
  MessageScanner scanner(1_MiB);
  std::string list = "[";
  for (int i = 0; i < 1000; ++i) list += std::to_string(i * i * i) + ",";
  for (const std::string& json :
       {std::string(R"(["tag",1,{"log":"a line","n":{"x":[1,2,{"y":null}],"z":-1.5}}])"),
        std::string(R"(["t",[[1,{}],[-70000,{"a":true}]],{"chunk":"x"}])"),
        "[\"" + std::string(40'000, 'x') + "\",\"" + std::string(300, 'y') + "\"]", list + "[]]",
        std::string("[]")}) {
    const Buffer bytes = message(json);
    EXPECT_EQ(found_after(bytes, scanner), bytes.size()) << json.substr(0, 60);
  }
}

TEST(MessageScanner, KnowsEveryForm) {
  // One object of each form in an array of its own.
  for (const std::string_view object : {"\xc4\x01x",
                                        "\xc5\x00\x01x",
                                        "\xc6\x00\x00\x00\x01x",
                                        "\xc7\x02\x05xy",
                                        "\xc8\x00\x01\x05x",
                                        "\xc9\x00\x00\x00\x01\x05x",
                                        "\xca....",
                                        "\xcb........",
                                        "\xcc.",
                                        "\xcd..",
                                        "\xce....",
                                        "\xcf........",
                                        "\xd0.",
                                        "\xd1..",
                                        "\xd2....",
                                        "\xd3........",
                                        "\xd4t.",
                                        "\xd5t..",
                                        "\xd6t....",
                                        "\xd7t........",
                                        "\xd8t................",
                                        "\xd9\x01x",
                                        "\xda\x00\x01x",
                                        "\xdb\x00\x00\x00\x01x",
                                        "\xdc\x00\x01\x01",
                                        "\xdd\x00\x00\x00\x01\x01",
                                        "\xde\x00\x01\x01\x01",
                                        "\xdf\x00\x00\x00\x01\x01\x01",
                                        "\xc0",
                                        "\xc2",
                                        "\xe0",
                                        "\x7f"}) {
    // The literals hold zeros: their size is what the form says.
    Buffer bytes{std::byte{0x91}};
    const auto append = [&](std::string_view text) {
      for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    };
    append(object);
    if (object.size() < 2 && static_cast<unsigned char>(object[0]) >= 0xc4 &&
        static_cast<unsigned char>(object[0]) < 0xe0)
      continue;
    logs::msgpack::Reader reader(bytes);
    const auto whole = reader.skip();
    if (!whole.ok()) continue;  // cut short by its own zero
    MessageScanner scanner(1_MiB);
    EXPECT_EQ(found_after(bytes, scanner), whole->size());
  }
}

TEST(MessageScanner, SaysWhatIsTooLargeBeforeItIsThere) {
  const std::vector<std::string> announced{
      std::string("\x92\xdb\x7f\xff\xff\xff", 6), std::string("\xdd\xff\xff\xff\xff", 5),
      std::string("\x92\xdf\x7f\xff\xff\xff", 6), std::string("\x91\xc6\xff\xff\xff\xff", 6)};
  for (const std::string& bytes : announced) {
    MessageScanner scanner(1_MiB);
    const auto end = scanner.find_end(as_bytes(bytes));
    ASSERT_FALSE(end.ok());
    EXPECT_EQ(end.error().kind(), ErrorKind::resource_exhausted);
  }
}

TEST(MessageScanner, TakesArraysAndNilOnly) {
  for (const std::string_view bytes : {"GET / HTTP/1.1\r\n", "\x81\x01\x01", "\x16\x03\x01"}) {
    MessageScanner scanner(1_MiB);
    EXPECT_EQ(scanner.find_end(as_bytes(bytes)).error().kind(), ErrorKind::corrupt_data);
  }
  MessageScanner scanner(1_MiB);
  EXPECT_EQ(**scanner.find_end(as_bytes("\xc0\xc0")), 1U);
}

}  // namespace
}  // namespace quern::inputs
