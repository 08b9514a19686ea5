// Inputs that others send to by HTTP: JSON, lines of it, OTLP in both its forms.
#include "http/stream.hpp"

#include "inputs/otlp_records.hpp"
#include "inputs/test_input.hpp"
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <bit>
#include <thread>

namespace quern::inputs {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

struct Post {
  std::string path = "/";
  std::string type = "application/json";
  std::string more = "";  // headers
  std::string method = "POST";
};

// The whole answer.
std::string send(std::uint16_t port, std::string_view body, const Post& post = {}) {
  auto stream = http::connect_stream({.host = "127.0.0.1", .port = port}, Deadline::in(20s), {});
  if (!stream.ok()) return stream.error().describe();
  const std::string head = post.method + " " + post.path +
                           " HTTP/1.1\r\nhost: x\r\ncontent-type: " + post.type +
                           "\r\ncontent-length: " + std::to_string(body.size()) +
                           "\r\nconnection: close\r\n" + post.more + "\r\n";
  (void)(*stream)->write(as_bytes(head), Deadline::in(20s), {});
  (void)(*stream)->write(as_bytes(body), Deadline::in(20s), {});
  std::string answer;
  std::array<std::byte, 4096> room{};
  for (;;) {
    const auto got = (*stream)->read(room, Deadline::in(20s), {});
    if (!got.ok() || *got == 0) return answer;
    answer += as_text(ByteView(room).first(*got));
  }
}

std::string status(const std::string& answer) { return answer.substr(9, 3); }
std::string body_of(const std::string& answer) {
  return answer.substr(std::min(answer.find("\r\n\r\n") + 4, answer.size()));
}

constexpr std::string_view kHttp = "type = \"http\"\nlisten = \"127.0.0.1:0\"\n";

TEST(HttpInput, TakesObjectsArraysAndLines) {
  test::MadeInput in{std::string(kHttp)};
  ASSERT_EQ(in.error, "");
  const std::uint16_t port = in.port("http_input_port");
  EXPECT_EQ(body_of(send(port, R"({"log":"one"})", {.path = "/app/web?x=1"})), "{\"records\":1}\n");
  EXPECT_EQ(body_of(send(port, R"([{"log":"two"},{"log":"three"}])")), "{\"records\":2}\n");
  const std::string lines = "{\"log\":\"four\"}\r\n\n{\"log\":\"five\"}\n";
  EXPECT_EQ(body_of(send(port, lines, {.type = "application/x-ndjson; charset=utf-8"})),
            "{\"records\":2}\n");
  EXPECT_EQ(status(send(port, lines)), "200");  // also of those who call it JSON
  EXPECT_EQ(in.sink.lines(), (Lines{"one", "two", "three", "four", "five", "four", "five"}));
  EXPECT_EQ(in.sink.kept(), 7U);
  EXPECT_EQ(in.sink.given()[0].tag, "app.web");
  EXPECT_EQ(in.sink.given()[1].tag, "in");
}

TEST(HttpInput, WhatIsWrongIsSaidAndNothingOfItTaken) {
  test::MadeInput in{std::string(kHttp)};
  const std::uint16_t port = in.port("http_input_port");
  const Post lines{.type = "application/x-ndjson"};
  std::string answer = send(port, "{\"a\":1}\n{\"a\":\n", lines);
  EXPECT_EQ(status(answer), "400");
  EXPECT_NE(body_of(answer).find("line 2: no JSON at byte"), std::string::npos) << answer;
  answer = send(port, R"([{"a":1},2])");
  EXPECT_EQ(status(answer), "400");
  EXPECT_NE(body_of(answer).find("record 2: it is no JSON object"), std::string::npos) << answer;
  answer = send(port, "[{\"a\":\"" + std::string(1 << 20, 'x') + "\"}]");
  EXPECT_NE(body_of(answer).find("larger than 1 MiB"), std::string::npos) << answer;
  EXPECT_EQ(status(send(port, "")), "400");
  EXPECT_EQ(status(send(port, "{}", {.method = "GET"})), "405");
  EXPECT_EQ(status(send(port, "{}", {.more = "content-encoding: br\r\n"})), "415");
  EXPECT_EQ(in.sink.size(), 0U);
  EXPECT_EQ(in.figure("http_input_requests_refused_total"), 6);
}

TEST(HttpInput, UnpacksWithinItsBound) {
  test::MadeInput in(std::string(kHttp) + "max_unpacked = \"1 MiB\"\nmax_body = \"64 KiB\"\n");
  const std::uint16_t port = in.port("http_input_port");
  const Post packed{.more = "content-encoding: gzip\r\n"};
  const Buffer good = test::gzip(as_bytes(R"({"log":"packed"})"));
  EXPECT_EQ(status(send(port, as_text(good), packed)), "200");
  const Buffer bomb = test::gzip(Buffer(20'000'000));
  EXPECT_EQ(status(send(port, as_text(bomb), packed)), "413");
  EXPECT_EQ(status(send(port, "no gzip", packed)), "400");
  EXPECT_EQ(status(send(port, std::string(100'000, ' '))), "413");
  EXPECT_EQ(in.sink.lines(), Lines{"packed"});
}

TEST(HttpInput, WhatNoPackedBodyFitsIntoIsRefused) {
  for (const std::string_view type : {"http", "otlp"}) {
    const std::string input = "type = \"" + std::string(type) + "\"\nlisten = \"127.0.0.1:0\"\n";
    const test::MadeInput in(input + "max_held = \"40 MiB\"\n");
    EXPECT_NE(in.error.find("max_held"), std::string::npos) << in.error;
    EXPECT_EQ(test::MadeInput(input + "max_held = \"48 MiB\"\n").error, "");
  }
}

TEST(HttpInput, AnswersOnlyWhenItIsKept) {
  test::MadeInput in{std::string(kHttp)};
  in.sink.on_sync = []() -> Result<> { return fail(ErrorKind::resource_exhausted, "disk full"); };
  const std::uint16_t port = in.port("http_input_port");
  const std::string answer = send(port, R"({"log":"x"})");
  EXPECT_EQ(status(answer), "503");
  EXPECT_NE(answer.find("retry-after: 1"), std::string::npos);
  in.sink.on_accept = []() -> Result<> { return fail(ErrorKind::resource_exhausted, "full"); };
  EXPECT_EQ(status(send(port, R"({"log":"x"})")), "503");
  EXPECT_EQ(in.figure("http_input_requests_failed_total"), 2);
}

TEST(HttpInput, BusyIsSaidAtOnce) {
  test::MadeInput in(std::string(kHttp) + "workers = 1\nmax_waiting = 1\n");
  const std::uint16_t port = in.port("http_input_port");
  std::atomic<bool> go{false};
  std::atomic<int> busy{0};
  in.sink.on_accept = [&]() -> Result<> {
    ++busy;
    EXPECT_TRUE(test::eventually([&] { return go.load(); }));
    return {};
  };
  std::vector<std::jthread> senders;
  std::atomic<int> good{0};
  std::atomic<int> refused{0};
  const auto sender = [&] {
    const std::string got = status(send(port, R"({"log":"x"})"));
    good += got == "200" ? 1 : 0;
    refused += got == "429" ? 1 : 0;
  };
  senders.emplace_back(sender);
  EXPECT_TRUE(test::eventually([&] { return busy == 1; }));
  for (int i = 0; i < 4; ++i) senders.emplace_back(sender);
  EXPECT_TRUE(test::eventually([&] { return refused == 3; }));
  go = true;
  senders.clear();
  EXPECT_EQ(good, 2);
}

TEST(HttpInput, ATokenIsAskedFor) {
  test::MadeInput in(std::string(kHttp) + "token = { env = \"SECRET\" }\n");
  const std::uint16_t port = in.port("http_input_port");
  EXPECT_EQ(status(send(port, "{}")), "401");
  EXPECT_EQ(status(send(port, "{}", {.more = "authorization: Bearer guess\r\n"})), "401");
  EXPECT_EQ(status(send(port, "{}", {.more = "authorization: Bearer open sesame\r\n"})), "200");
}

constexpr std::string_view kOtlp = "type = \"otlp\"\nlisten = \"127.0.0.1:0\"\n";
constexpr std::string_view kRequest = R"({"resourceLogs":[{
  "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
  "scopeLogs":[{"scope":{"name":"lib","version":"1"},"logRecords":[
    {"timeUnixNano":"1700000000000000005","severityNumber":17,"severityText":"ERROR",
     "body":{"stringValue":"it failed"},"traceId":"5B8EFFF798038103D269B633813FC60C",
     "spanId":"EEE19B7EC3C1B174","flags":1,
     "attributes":[{"key":"n","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":0.5}},
       {"key":"l","value":{"arrayValue":{"values":[{"boolValue":true},{}]}}},
       {"key":"b","value":{"bytesValue":"AAE="}},
       {"key":"m","value":{"kvlistValue":{"values":[{"key":"x","value":{"stringValue":"y"}}]}}}]},
    {"observedTimeUnixNano":1700000001000000000,"severityNumber":9,"body":{"stringValue":"two"}}
  ]}]}]})";
constexpr std::string_view kRecord =
    R"({"body":"it failed","severity":"ERROR","severity_number":17,)"
    R"("attributes":{"n":-5,"d":0.5,"l":[true,null],"b":"\u0000\u0001","m":{"x":"y"}},)"
    R"("resource":{"service.name":"shop"},"scope":{"name":"lib","version":"1"},)"
    R"("trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","flags":1})";

TEST(Otlp, TakesJson) {
  test::MadeInput in(std::string(kOtlp) + "tag = \"t\"\n");
  ASSERT_EQ(in.error, "");
  const std::uint16_t port = in.port("otlp_input_port");
  const std::string answer = send(port, kRequest, {.path = "/v1/logs"});
  EXPECT_EQ(status(answer), "200") << answer;
  EXPECT_EQ(body_of(answer), "{}");
  const auto given = in.sink.given();
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[0].tag, "t");
  EXPECT_EQ(given[0].time, (logs::EventTime{.seconds = 1'700'000'000, .nanoseconds = 5}));
  EXPECT_EQ(given[0].record, kRecord);
  EXPECT_EQ(given[1].time.seconds, 1'700'000'001U);
  EXPECT_NE(given[1].record.find(R"("severity":"info")"), std::string::npos);
}

// As much of protobuf as a sender needs.
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>((value & 0x7fU) | 0x80U);
  return out + static_cast<char>(value);
}
std::string sub(unsigned number, std::string_view bytes) {
  return varint(number << 3U | 2U) + varint(bytes.size()) + std::string(bytes);
}
std::string number(unsigned field, std::uint64_t value) {
  return varint(field << 3U) + varint(value);
}
std::string fixed64(unsigned field, std::uint64_t value) {
  std::string out = varint(field << 3U | 1U);
  for (int i = 0; i < 8; ++i, value >>= 8U) out += static_cast<char>(value & 0xffU);
  return out;
}
std::string pair(std::string_view key, std::string_view value) {
  return sub(1, key) + sub(2, value);
}

std::string protobuf_request(std::string_view body) {
  const std::string log =
      fixed64(1, 1'700'000'000'000'000'005U) + number(2, 17) + sub(3, "ERROR") + sub(5, body) +
      sub(6, pair("n", number(3, static_cast<std::uint64_t>(-5)))) +
      sub(6, pair("d", fixed64(4, std::bit_cast<std::uint64_t>(0.5)))) +
      sub(6, pair("l", sub(5, sub(1, number(2, 1)) + sub(1, "")))) +
      sub(6, pair("b", sub(7, std::string_view("\0\x01", 2)))) +
      sub(6, pair("m", sub(6, sub(1, pair("x", sub(1, "y")))))) + varint(8 << 3 | 5) +
      std::string("\x01\0\0\0", 4) +
      sub(9, "\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c") +
      sub(10, "\xee\xe1\x9b\x7e\xc3\xc1\xb1\x74") + sub(99, "of a later version");
  // What the records share stands behind them here.
  const std::string scope = sub(2, log) + sub(1, sub(1, "lib") + sub(2, "1"));
  return sub(1, sub(2, scope) + sub(1, sub(1, pair("service.name", sub(1, "shop")))));
}

TEST(Otlp, TakesProtobuf) {
  test::MadeInput in{std::string(kOtlp)};
  const std::uint16_t port = in.port("otlp_input_port");
  const std::string request = protobuf_request(sub(1, "it failed"));
  const Post post{.path = "/v1/logs", .type = "application/x-protobuf"};
  std::string answer = send(port, request, post);
  EXPECT_EQ(status(answer), "200");
  EXPECT_EQ(body_of(answer), "");
  EXPECT_NE(answer.find("content-type: application/x-protobuf"), std::string::npos);
  ASSERT_EQ(in.sink.size(), 1U);
  EXPECT_EQ(in.sink.given()[0].record, kRecord);
  // Cut anywhere it is no record, or a smaller one, and never a crash.
  for (std::size_t size = 1; size < request.size(); ++size) {
    OtlpRecords records("t", {});
    (void)read_otlp_protobuf(as_bytes(std::string_view(request).substr(0, size)), records);
  }
}

TEST(Otlp, SaysWhatItDidNotTake) {
  test::MadeInput in{std::string(kOtlp)};
  const std::uint16_t port = in.port("otlp_input_port");
  const std::string large = protobuf_request(sub(1, std::string(1 << 20, 'x')));
  const Post post{.path = "/v1/logs", .type = "application/x-protobuf"};
  std::string answer = send(port, large, post);
  EXPECT_EQ(status(answer), "200");
  EXPECT_NE(body_of(answer).find("larger than 1 MiB"), std::string::npos);
  EXPECT_EQ(body_of(answer).substr(0, 1) + body_of(answer).substr(2, 2), "\x0a\x08\x01");
  answer = send(port, "\x0a\x7f", post);
  EXPECT_EQ(status(answer), "400");
  EXPECT_NE(body_of(answer).find("cut off"), std::string::npos);
  answer = send(port, R"({"resourceLogs":7})", {.path = "/v1/logs"});
  EXPECT_EQ(status(answer), "400");
  EXPECT_NE(body_of(answer).find("\"code\":3"), std::string::npos);
  EXPECT_EQ(status(send(port, "{}", {.path = "/v1/traces"})), "404");
  EXPECT_EQ(status(send(port, "{}", {.path = "/v1/logs", .type = "text/plain"})), "415");
  EXPECT_EQ(in.sink.size(), 0U);
}

// All records have the resource: a few bytes of gzip would be gigabytes.
TEST(Otlp, WhatAResourceMakesOfManyRecordsIsBounded) {
  test::MadeInput in(std::string(kOtlp) + "max_unpacked = \"2 MiB\"\n");
  const std::uint16_t port = in.port("otlp_input_port");
  const std::string resource = sub(1, sub(1, pair("k", sub(1, std::string(200'000, 'x')))));
  std::string logs;
  for (int i = 0; i < 10'000; ++i) logs += sub(2, "");
  const Buffer packed = test::gzip(as_bytes(sub(1, resource + sub(2, logs))));
  const Post post{
      .path = "/v1/logs", .type = "application/x-protobuf", .more = "content-encoding: gzip\r\n"};
  EXPECT_EQ(status(send(port, as_text(packed), post)), "413");
  EXPECT_EQ(in.sink.size(), 0U);
  const Buffer few = test::gzip(as_bytes(sub(1, resource + sub(2, sub(2, "") + sub(2, "")))));
  EXPECT_EQ(status(send(port, as_text(few), post)), "200");
  EXPECT_EQ(in.sink.size(), 2U);
}

// Each of them alone is small enough; the bound is of all together.
TEST(Otlp, ManyRequestsAtOnceStayWithinOneBound) {
  test::MadeInput in(std::string(kOtlp) + "max_held = \"48 MiB\"\nworkers = 8\n");
  const std::uint16_t port = in.port("otlp_input_port");
  std::atomic<bool> go{false};
  std::atomic<int> inside{0};
  in.sink.on_accept = [&]() -> Result<> {
    ++inside;
    EXPECT_TRUE(test::eventually([&] { return go.load(); }));
    return {};
  };
  // A resource of 200 kB in each of 100 records: 20 MB of some hundred bytes.
  const std::string resource = sub(1, sub(1, pair("k", sub(1, std::string(200'000, 'x')))));
  std::string logs;
  for (int i = 0; i < 100; ++i) logs += sub(2, "");
  const Buffer packed = test::gzip(as_bytes(sub(1, resource + sub(2, logs))));
  const Post post{
      .path = "/v1/logs", .type = "application/x-protobuf", .more = "content-encoding: gzip\r\n"};
  std::vector<std::jthread> senders;
  std::atomic<int> good{0};
  std::atomic<int> busy{0};
  const auto sender = [&] {
    const std::string answer = send(port, as_text(packed), post);
    good += status(answer) == "200" ? 1 : 0;
    const bool later = answer.find("retry-after: 1") != std::string::npos;
    busy += status(answer) == "429" && later ? 1 : 0;
  };
  senders.emplace_back(sender);
  ASSERT_TRUE(test::eventually([&] { return inside == 1; }));
  // Whatever comes while its records are held is told to come again.
  for (int i = 0; i < 7; ++i) senders.emplace_back(sender);
  EXPECT_TRUE(test::eventually([&] { return busy == 7; })) << busy << " of 7";
  EXPECT_EQ(inside, 1);
  go = true;
  senders.clear();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(status(send(port, as_text(packed), post)), "200") << "all of it was given back";
}

TEST(HttpInput, WhatIsMadeOfABodyIsWithinTheBoundToo) {
  test::MadeInput in(std::string(kHttp) +
                     "max_body = \"1 MiB\"\nmax_unpacked = \"1 MiB\"\nmax_held = \"2 MiB\"\n");
  const std::uint16_t port = in.port("http_input_port");
  // Three bytes each as sent, and more than ten times that as records.
  std::string many = "[{}";
  for (int i = 0; i < 200'000; ++i) many += ",{}";
  const std::string answer = send(port, many + "]");
  EXPECT_EQ(status(answer), "413") << answer;
  EXPECT_NE(answer.find("max_held"), std::string::npos) << answer;
  EXPECT_EQ(in.sink.size(), 0U);
  EXPECT_EQ(status(send(port, R"([{"log":"x"}])")), "200");
}

TEST(HttpInput, RoomIsTakenBeforeABodyIsReadAsJson) {
  test::MadeInput in(std::string(kHttp) + "workers = 2\nmax_body = \"1 MiB\"\n" +
                     "max_unpacked = \"1 MiB\"\nmax_held = \"3 MiB\"\n");
  std::atomic<bool> go{false};
  std::atomic<bool> inside{false};
  in.sink.on_accept = [&]() -> Result<> {
    inside = true;
    EXPECT_TRUE(test::eventually([&] { return go.load(); }));
    return {};
  };
  const std::uint16_t port = in.port("http_input_port");
  // Three times 900 kB: the body, what it says, the record.
  std::jthread first([&] {
    EXPECT_EQ(status(send(port, "{\"log\":\"" + std::string(900'000, 'x') + "\"}")), "200");
  });
  EXPECT_TRUE(test::eventually([&] { return inside.load(); }));
  // There is room for the body, and not for what it would say if it were JSON.
  const std::string broken = "[" + std::string(300'000, ' ');
  EXPECT_EQ(status(send(port, broken)), "429");
  go = true;
  first.join();
  EXPECT_EQ(status(send(port, broken)), "400");
}

TEST(Otlp, DepthIsBounded) {
  std::string value = sub(1, "x");
  for (int i = 0; i < 2000; ++i) value = sub(5, sub(1, value));
  OtlpRecords records("t", {});
  const auto read = read_otlp_protobuf(as_bytes(protobuf_request(value)), records);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::corrupt_data);
}

}  // namespace
}  // namespace quern::inputs
