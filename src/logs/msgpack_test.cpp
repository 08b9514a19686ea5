#include "logs/msgpack.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace quern::logs::msgpack {
namespace {

Buffer bytes(std::initializer_list<unsigned> values) {
  Buffer out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

template <class Write>
Buffer written(Write write) {
  Buffer out;
  Writer writer(out);
  write(writer);
  return out;
}

std::string json(ByteView object) {
  std::string out;
  const Result<> done = to_json(object, out);
  return done ? out : "error: " + done.error().message();
}

TEST(Msgpack, IntegersHaveTheirShortestForm) {
  const auto size = [](std::int64_t value) {
    return written([&](Writer& w) { w.integer(value); }).size();
  };
  EXPECT_EQ(size(0), 1U);
  EXPECT_EQ(size(127), 1U);
  EXPECT_EQ(size(128), 2U);
  EXPECT_EQ(size(-32), 1U);
  EXPECT_EQ(size(-33), 2U);
  EXPECT_EQ(size(65'536), 5U);
  EXPECT_EQ(size(-32'769), 5U);
  EXPECT_EQ(size(std::numeric_limits<std::int64_t>::min()), 9U);
}

TEST(Msgpack, WhatIsWrittenIsRead) {
  for (const std::int64_t value : {INT64_C(0),
                                   INT64_C(1),
                                   INT64_C(127),
                                   INT64_C(128),
                                   INT64_C(255),
                                   INT64_C(256),
                                   INT64_C(65'535),
                                   INT64_C(65'536),
                                   INT64_C(4'294'967'295),
                                   INT64_C(4'294'967'296),
                                   INT64_C(-1),
                                   INT64_C(-32),
                                   INT64_C(-33),
                                   INT64_C(-128),
                                   INT64_C(-129),
                                   INT64_C(-32'768),
                                   INT64_C(-32'769),
                                   INT64_C(-2'147'483'648),
                                   INT64_C(-2'147'483'649),
                                   INT64_MAX,
                                   INT64_MIN}) {
    EXPECT_EQ(json(written([&](Writer& w) { w.integer(value); })), std::to_string(value));
  }
  EXPECT_EQ(json(written([](Writer& w) { w.natural(UINT64_MAX); })), "18446744073709551615");
  EXPECT_EQ(json(written([](Writer& w) { w.floating(0.1); })), "0.1");
  EXPECT_EQ(json(bytes({0xca, 0x3f, 0x80, 0, 0})), "1");
  for (const std::size_t size : {0U, 31U, 32U, 255U, 256U, 65'535U, 65'536U}) {
    const std::string text(size, 'x');
    EXPECT_EQ(json(written([&](Writer& w) { w.string(text); })), "\"" + text + "\"");
    EXPECT_EQ(json(written([&](Writer& w) { w.binary(as_bytes(text)); })), "\"" + text + "\"");
    Buffer extension = written([&](Writer& w) { w.extension(-5, as_bytes(text)); });
    Reader reader(extension);
    const Token token = reader.next().value();
    EXPECT_EQ(token.type, Type::extension);
    EXPECT_EQ(token.extension, -5);
    EXPECT_EQ(token.bytes.size(), size);
    EXPECT_TRUE(reader.done());
  }
}

TEST(Msgpack, ContainersOfAnySize) {
  for (const std::uint32_t count : {0U, 1U, 15U, 16U, 65'535U, 65'536U}) {
    const Buffer array = written([&](Writer& w) {
      w.array(count);
      for (std::uint32_t i = 0; i < count; ++i) w.nil();
    });
    Reader reader(array);
    EXPECT_EQ(reader.skip().value().size(), array.size());
    const Buffer map = written([&](Writer& w) {
      w.map(count);
      for (std::uint32_t i = 0; i < 2 * count; ++i) w.boolean(true);
    });
    Reader pairs(map);
    EXPECT_EQ(pairs.skip().value().size(), map.size());
    EXPECT_TRUE(pairs.done());
  }
}

TEST(Msgpack, JsonOfARecord) {
  const Buffer record = written([](Writer& w) {
    w.map(4);
    w.string("log");
    w.string("a \"b\"\\\n\x01 \xc3\xa9 \xff");
    w.string("list");
    w.array(3);
    w.array(0);
    w.map(0);
    w.nil();
    w.natural(7);
    w.boolean(false);
    w.string("time");
    w.extension(0, bytes({0, 0, 0, 1, 0, 0, 0, 2}));
  });
  EXPECT_EQ(json(record),
            "{\"log\":\"a \\\"b\\\"\\\\\\n\\u0001 \xc3\xa9 "
            "\xef\xbf\xbd\",\"list\":[[],{},null],\"7\":false,"
            "\"time\":{\"type\":0,\"base64\":\"AAAAAQAAAAI=\"}}");
  EXPECT_EQ(json(written([](Writer& w) { w.floating(std::numeric_limits<double>::infinity()); })),
            "null");
  EXPECT_EQ(json(bytes({0x91, 0x92, 0x90, 0x81, 0xa1, 'k', 0x80})), "[[[],{\"k\":{}}]]");
}

TEST(Msgpack, WhatIsNoUtf8IsReplacedByteByByte) {
  const auto text = [](std::string_view value) {
    return json(written([&](Writer& w) { w.string(value); }));
  };
  EXPECT_EQ(text("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(text("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") << "a surrogate";
  EXPECT_EQ(text("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"") << "longer than needed";
  EXPECT_EQ(text("\xf0\x9f\x8c\x8d"), "\"\xf0\x9f\x8c\x8d\"");
}

TEST(Msgpack, BytesThatEndEarlyAreAnErrorAtEveryPlace) {
  const Buffer record = written([](Writer& w) {
    w.map(2);
    w.string("a long enough text to have a size of its own");
    w.integer(-40'000);
    w.floating(1.5);
    w.array(1);
    w.extension(3, bytes({1, 2, 3}));
  });
  for (std::size_t size = 0; size < record.size(); ++size) {
    Reader reader(ByteView(record).first(size));
    const Result<ByteView> skipped = reader.skip();
    ASSERT_FALSE(skipped) << size;
    EXPECT_EQ(skipped.error().kind(), ErrorKind::corrupt_data);
  }
}

TEST(Msgpack, CountsAreNotBelieved) {
  EXPECT_EQ(json(bytes({0xdd, 0xff, 0xff, 0xff, 0xff})),
            "error: the msgpack ends within an object");
  EXPECT_EQ(json(bytes({0xdf, 0xff, 0xff, 0xff, 0xff, 0, 0})),
            "error: the msgpack ends within an object");
  EXPECT_EQ(json(bytes({0xc6, 0xff, 0xff, 0xff, 0xff, 0})),
            "error: the msgpack ends within an object");
  EXPECT_EQ(json(bytes({0xc1})), "error: 0xc1 begins no msgpack object");
  EXPECT_EQ(json(bytes({0x01, 0x02})), "error: there is more than one msgpack object");
  EXPECT_EQ(json(bytes({0x81, 0x90, 0x01})), "error: a key of a map is no text and no number");
  EXPECT_EQ(json({}), "error: the msgpack ends within an object");
}

TEST(Msgpack, DepthIsPassedOverAndRefusedAsText) {
  Buffer deep(100'000, std::byte{0x91});
  deep.push_back(std::byte{0xc0});
  Reader reader(deep);
  EXPECT_EQ(reader.skip().value().size(), deep.size());
  EXPECT_EQ(json(deep), "error: a record is more than 64 levels deep");
}

}  // namespace
}  // namespace quern::logs::msgpack
