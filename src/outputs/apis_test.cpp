// The APIs that outputs speak, as they go over the wire, and what becomes of what peers answer.
#include "base/text.hpp"
#include "base/unpack.hpp"

#include "outputs/bulk_answer.hpp"
#include "outputs/test_support.hpp"

#include <set>
#include <thread>

namespace quern::outputs {
namespace {

using namespace std::chrono_literals;
using logs::Batch;
using test::add;
using test::must_make;

struct Peer {
  test::World w;
  std::vector<std::string> sent;  // method, URL, headers, body
  std::vector<std::string> bodies;
  std::vector<SendAnswer> answers;  // in turn; then 200

  Peer() {
    w.network.answer_sent(
        [this](const SendRequest& request, const std::string& body) -> Result<SendAnswer> {
          std::string text = request.method + " " + request.url + "\n";
          for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
          sent.push_back(text + "\n" + body + "\n");
          bodies.push_back(body);
          if (answers.empty()) return SendAnswer{.status = 200};
          SendAnswer answer = answers.front();
          answers.erase(answers.begin());
          return answer;
        });
  }
};

Batch lines(int count) {
  Batch batch;
  for (int n = 0; n < count; ++n)
    add(batch, "app",
        "{\"log\":\"line " + std::to_string(n) + "\",\"id\":\"i" + std::to_string(n) + "\"}");
  return batch;
}

// A sanitizer of threads sees what they share unguarded.
TEST(Outputs, AnybodyMayAskForFiguresWhileTheyWork) {
  for (const auto& [type, more] : {std::pair("loki", "labels = { job = \"quern\", id = \"{id}\" }"),
                                   {"elasticsearch", ""},
                                   {"otlp", ""},
                                   {"webhook", "limit = 1"}}) {
    Peer peer;
    const auto out = must_make(type, "url = \"http://peer\"\n" + std::string(more), peer.w.world);
    const std::jthread asks([&](const std::stop_token& end) {
      while (!end.stop_requested()) EXPECT_FALSE(out->figures().empty());
    });
    for (int n = 0; n < 20; ++n) {
      peer.answers = {{.status = 200, .body = R"({"partialSuccess":{"rejectedLogRecords":"2"}})"}};
      (void)out->deliver(lines(n), {});
    }
  }
}

TEST(Otlp, RecordsOnTheWire) {
  Peer peer;
  const auto out = must_make("otlp", R"(url = "http://collector:4318"
encoding = "json"
[resource]
"service.name" = "shop"
"host.name" = "h1")",
                             peer.w.world);
  Batch batch;
  add(batch, "app.web",
      R"({"log":"it \"broke\"","level":"Error","trace_id":"0af7651916cd43dd8448eb211c80319c",)"
      R"("span_id":"b7ad6b7169203331","n":-5,"big":18446744073709551615,"x":1.5,"ok":true,)"
      R"("nil":null,"list":[1,"a"],"map":{"a":{"b":2}}})",
      test::kSecond, 7);
  add(batch, "app.db", R"({"trace_id":"no hex","severity":"odd"})");
  const Result<Batch> dead = out->deliver(batch, {});
  ASSERT_TRUE(dead.ok() && dead->empty());
  test::expect_golden("otlp.txt", peer.sent.front());
}

// A message of protocol buffers as text: each field on a line, what is within a field behind it
// indented where it is a message, too. As a collector would read it, without its schema's names.
std::string protobuf_text(std::string_view bytes, const std::string& indent = "") {
  const auto varint = [&bytes] {
    std::uint64_t value = 0;
    for (unsigned shift = 0; !bytes.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  // Fields that are messages in every message of a request that has them, by their way from the
  // top.
  static const std::set<std::string> kMessages{
      "/1",       "/1/1",       "/1/1/1", "/1/1/1/2", "/1/2",  "/1/2/1", "/1/2/2", "/1/2/2/5",
      "/1/2/2/6", "/1/2/2/6/2", "v/5",    "v/6",      "v/5/1", "v/6/1",  "v/6/1/2"};
  static std::vector<std::string> way{""};
  std::string text;
  while (!bytes.empty()) {
    const std::uint64_t key = varint();
    const std::string name = std::to_string(key >> 3U);
    text += indent + name + ":";
    if ((key & 7U) == 0) {
      text += " " + std::to_string(static_cast<std::int64_t>(varint())) + "\n";
    } else if ((key & 7U) == 1) {
      std::uint64_t value = 0;
      for (unsigned i = 0; i < 8; ++i)
        value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
      bytes.remove_prefix(8);
      text += " fixed " + std::to_string(value) + "\n";
    } else {
      const std::uint64_t size = varint();
      EXPECT_EQ(key & 7U, 2U);
      EXPECT_LE(size, bytes.size());
      const std::string_view inner = bytes.substr(0, size);
      bytes.remove_prefix(inner.size());
      std::string here = way.back() + "/" + name;
      const bool message = kMessages.contains(here);
      // A value is the same wherever it stands.
      if (here == "/1/1/1/2" || here == "/1/2/2/5" || here == "/1/2/2/6/2" || here == "v/6/1/2" ||
          here == "v/5/1")
        here = "v";
      way.push_back(here);
      if (message) {
        text += "\n" + protobuf_text(inner, indent + "  ");
      } else if (is_utf8(inner)) {
        text += " \"" + std::string(inner) + "\"\n";
      } else {
        text += " bytes";
        for (const char c : inner)
          text += " " + std::to_string(static_cast<unsigned>(static_cast<unsigned char>(c)));
        text += "\n";
      }
      way.pop_back();
    }
  }
  return text;
}

TEST(Otlp, RecordsAsProtobufAreTheDefault) {
  Peer peer;
  const auto out = must_make("otlp", R"(url = "http://collector:4318"
[resource]
"service.name" = "shop")",
                             peer.w.world);
  Batch batch;
  add(batch, "app.web",
      R"({"log":"it \"broke\"","level":"Error","trace_id":"0AF7651916cd43dd8448eb211c80319c",)"
      R"("span_id":"b7ad6b7169203331","n":-5,"big":18446744073709551615,"x":1.5,"ok":true,)"
      R"("nil":null,"list":[1,"a"],"map":{"a":{"b":2}}})",
      test::kSecond, 7);
  add(batch, "app.db", R"({"trace_id":"no hex","severity":"odd"})");
  Buffer invalid = test::record(R"({"log":"?x"})");
  invalid[invalid.size() - 2] = std::byte{0xff};
  batch.add("t", {.seconds = test::kSecond}, invalid);
  const Result<Batch> dead = out->deliver(batch, {});
  ASSERT_TRUE(dead.ok() && dead->empty());
  EXPECT_NE(peer.sent.front().find("Content-Type: application/x-protobuf\n"), std::string::npos);
  test::expect_golden("otlp_protobuf.txt", protobuf_text(peer.bodies.front()));
}

TEST(Otlp, IsPackedWhereThatIsAskedFor) {
  for (const char* encoding : {"protobuf", "json"}) {
    Peer peer;
    const std::string toml =
        "url = \"http://collector\"\nencoding = \"" + std::string(encoding) + "\"\n";
    ASSERT_TRUE(must_make("otlp", toml, peer.w.world)->deliver(lines(3), {}).ok());
    const auto packed = must_make("otlp", toml + "compress = \"gzip\"", peer.w.world);
    ASSERT_TRUE(packed->deliver(lines(3), {}).ok());
    EXPECT_NE(peer.sent[1].find("Content-Encoding: gzip\n"), std::string::npos);
    const Result<Buffer> body = unpack(as_bytes(peer.bodies[1]), 1_MiB);
    ASSERT_TRUE(body.ok());
    EXPECT_EQ(as_text(*body), peer.bodies[0]);
  }
  Peer peer;
  EXPECT_NE(test::refused("otlp", "url = \"http://x\"\nencoding = \"grpc\"", peer.w.world), "");
}

TEST(Otlp, WhatACollectorRejectsIsCounted) {
  Peer peer;
  const auto out =
      must_make("otlp", "url = \"http://collector\"\nencoding = \"json\"", peer.w.world);
  peer.answers = {{.status = 200, .body = R"({"partialSuccess":{"rejectedLogRecords":"2"}})"},
                  {.status = 200, .body = R"({"partialSuccess":{"rejectedLogRecords":1}})"},
                  {.status = 200, .body = "{}"}};
  for (int n = 0; n < 3; ++n) ASSERT_TRUE(out->deliver(lines(3), {}).ok());
  EXPECT_EQ(out->figures().front().value, 3);
}

TEST(Otlp, WhatACollectorRejectsInProtobufIsCounted) {
  const std::string whole(
      "\x0a\x09\x08\x96\x01\x12\x04"
      "many",
      11);
  Peer peer;
  const auto out = must_make("otlp", "url = \"http://collector\"", peer.w.world);
  peer.answers = {{.status = 200, .body = whole},
                  {.status = 200, .body = "\x1a\x01?" + whole},  // a field of a later version
                  {.status = 200, .body = ""},
                  {.status = 200, .body = R"({"partialSuccess":{"rejectedLogRecords":"2"}})"}};
  for (int n = 0; n < 4; ++n) ASSERT_TRUE(out->deliver(lines(200), {}).ok());
  EXPECT_EQ(out->figures().front().value, 300);
  // Cut anywhere, it says nothing, or what it says; never a crash.
  for (std::size_t size = 0; size < whole.size(); ++size) {
    peer.answers = {{.status = 200, .body = whole.substr(0, size)}};
    ASSERT_TRUE(out->deliver(lines(1), {}).ok());
  }
  EXPECT_LE(out->figures().front().value, 300);
}

TEST(Otlp, NoMoreIsRejectedThanWasSent) {
  Peer peer;
  const auto protobuf = must_make("otlp", "url = \"http://collector\"", peer.w.world);
  const auto message = [](std::string_view count) {
    return std::string("\x0a") + static_cast<char>(count.size() + 1) + "\x08" + std::string(count);
  };
  // -1, and 2^63 - 1.
  peer.answers = {{.status = 200, .body = message("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
                  {.status = 200, .body = message("\xff\xff\xff\xff\xff\xff\xff\xff\x7f")}};
  ASSERT_TRUE(protobuf->deliver(lines(3), {}).ok());
  EXPECT_EQ(protobuf->figures().front().value, 0);
  ASSERT_TRUE(protobuf->deliver(lines(3), {}).ok());
  EXPECT_EQ(protobuf->figures().front().value, 3);
  const auto json =
      must_make("otlp", "url = \"http://collector\"\nencoding = \"json\"", peer.w.world);
  for (const std::string_view count : {"-1", "\"-1\"", "18446744073709551615", "\"4\""}) {
    peer.answers = {
        {.status = 200,
         .body = "{\"partialSuccess\":{\"rejectedLogRecords\":" + std::string(count) + "}}"}};
    ASSERT_TRUE(json->deliver(lines(3), {}).ok());
  }
  EXPECT_EQ(json->figures().front().value, 6);
}

TEST(Loki, StreamsOnTheWire) {
  Peer peer;
  const auto out = must_make("loki", R"(url = "http://loki:3100"
tenant_id = "t1"
structured_metadata = ["id", "n"]
labels = { job = "quern", app = "{app}", level = "{level}" })",
                             peer.w.world);
  Batch batch;
  add(batch, "a", R"({"log":"second","app":"web","level":"info","n":5})", test::kSecond + 1);
  add(batch, "a", R"({"log":"first","app":"web","level":"info","id":"x"})", test::kSecond, 9);
  add(batch, "b", R"({"log":"no level","app":"db"})");
  ASSERT_TRUE(out->deliver(batch, {}).ok());
  test::expect_golden("loki.txt", peer.sent.front());
}

TEST(Loki, MadeUpLabelsMakeOnlySoManyStreams) {
  Peer peer;
  const auto out = must_make("loki", R"(url = "http://loki"
line = "text"
max_streams = 5
labels = { job = "quern", id = "{id}" })",
                             peer.w.world);
  ASSERT_TRUE(out->deliver(lines(50), {}).ok());
  std::size_t streams = 0;
  for (std::size_t at = 0; (at = peer.bodies[0].find("\"stream\":", at)) != std::string::npos; ++at)
    ++streams;
  EXPECT_EQ(streams, 6U);
  EXPECT_THAT(peer.bodies[0], testing::HasSubstr(R"({"id":"other","job":"quern"})"));
  EXPECT_EQ(out->figures()[1].value, 45);
  peer.w.clock.advance(2h);
  ASSERT_TRUE(out->deliver(lines(1), {}).ok());
  EXPECT_THAT(test::refused("loki", "url = \"http://l\"\nlabels = { a = \"{a}\" }", peer.w.world),
              testing::HasSubstr("same always"));
  EXPECT_THAT(test::refused("loki", "url = \"http://l\"\nlabels = { a-b = \"x\" }", peer.w.world),
              testing::HasSubstr("cannot be a label"));
}

std::string bulk(std::initializer_list<std::string_view> items) {
  std::string all;
  for (const std::string_view item : items) all += (all.empty() ? "" : ",") + std::string(item);
  return R"({"took":3,"errors":true,"items":[)" + all + "]}";
}
constexpr std::string_view kMade = R"({"create":{"_index":"i","status":201}})";
constexpr std::string_view kBusy =
    R"({"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"full"}}})";
constexpr std::string_view kUnfit =
    R"({"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed [n]"}}})";

TEST(Elasticsearch, BulksOnTheWire) {
  Peer peer;
  peer.answers = {{.status = 200, .body = bulk({kMade, kMade})}};
  const auto out = must_make("elasticsearch", R"(url = "https://es:9200"
index = "{@tag}-{@time:%Y.%m.%d}"
id_key = "id"
api_key = "k3y")",
                             peer.w.world);
  Batch batch;
  add(batch, "App/Web", R"({"log":"one","id":"a\"b"})");
  add(batch, "App/Web", R"({"log":"two","@timestamp":"own"})", test::kSecond + 86'400);
  ASSERT_TRUE(out->deliver(batch, {}).ok());
  test::expect_golden("elasticsearch.txt", peer.sent.front());
}

TEST(Elasticsearch, WhatCameTooFastComesAgainAlone) {
  Peer peer;
  const auto out = must_make("elasticsearch", "url = \"http://es\"", peer.w.world);
  peer.answers = {{.status = 200, .body = bulk({kMade, kBusy, kUnfit, kBusy})},
                  {.status = 503},
                  {.status = 200, .body = bulk({kMade, kBusy})},
                  {.status = 200, .body = bulk({kMade})}};
  const Batch batch = lines(4);
  EXPECT_THAT(out->deliver(batch, {}).error().describe(), testing::HasSubstr("2 of 4"));
  EXPECT_EQ(out->deliver(batch, {}).error().kind(), ErrorKind::unavailable);
  EXPECT_EQ(out->deliver(batch, {}).error().kind(), ErrorKind::unavailable);
  const Result<Batch> dead = out->deliver(batch, {});
  ASSERT_TRUE(dead.ok()) << dead.error().describe();
  EXPECT_THAT(test::reasons(*dead), testing::HasSubstr("400 mapper_parsing_exception: failed [n]"));
  EXPECT_EQ(dead->size(), 1U);
  EXPECT_THAT(peer.bodies[2], testing::Not(testing::HasSubstr("line 0")));
  EXPECT_THAT(peer.bodies[3], testing::AllOf(testing::HasSubstr("line 3"),
                                             testing::Not(testing::HasSubstr("line 1"))));
  // The next batch begins anew.
  peer.answers = {{.status = 200, .body = bulk({kMade})}};
  EXPECT_TRUE(out->deliver(lines(1), {}).ok());
}

TEST(Elasticsearch, AnAnswerThatIsNoneComesAgain) {
  Peer peer;
  const auto out = must_make("elasticsearch", "url = \"http://es\"", peer.w.world);
  for (const std::string& body : {std::string("<html>"), std::string("{}"), bulk({kMade}),
                                  bulk({kMade, R"({"create":{}})"}), std::string()}) {
    peer.answers = {{.status = 200, .body = body}};
    const Result<Batch> got = out->deliver(lines(2), {});
    ASSERT_FALSE(got.ok()) << body;
    EXPECT_EQ(got.error().kind(), ErrorKind::unavailable);
  }
  peer.answers = {{.status = 403, .body = "no such key"}};
  EXPECT_EQ(out->deliver(lines(2), {})->size(), 2U);
}

TEST(Elasticsearch, AnIdThatIsThereIsThere) {
  Peer peer;
  const auto out = must_make("elasticsearch", "url = \"http://es\"\nid_key = \"id\"", peer.w.world);
  peer.answers = {{.status = 200, .body = bulk({R"({"create":{"status":409}})"})}};
  EXPECT_TRUE(out->deliver(lines(1), {})->empty());
}

TEST(Webhook, AlertsOnTheWire) {
  Peer peer;
  peer.w.process.environment["HOOK"] = "https://hooks.example/services/T/B/x";
  const auto out = must_make("webhook", R"(url = { env = "HOOK" }
template = "*{level}* {@line}"
max_lines = 2
max_line = "60 B")",
                             peer.w.world);
  Batch batch;
  add(batch, "a", R"({"level":"error","log":"<!channel> a & b\nforged"})");
  add(batch, "a", R"({"level":"fatal","log":")" + std::string(53, 'x') + R"(<<<<<"})");
  add(batch, "a", R"({"log":"third"})");
  ASSERT_TRUE(out->deliver(batch, {}).ok());
  test::expect_golden("webhook.txt", peer.sent.front());
}

TEST(Webhook, AFloodIsHeldBackAndCounted) {
  Peer peer;
  const auto out = must_make("webhook", R"(url = "http://hook"
limit = 2
window = "1h")",
                             peer.w.world);
  for (int n = 0; n < 10; ++n) ASSERT_TRUE(out->deliver(lines(3), {}).ok());
  EXPECT_EQ(peer.sent.size(), 2U);
  EXPECT_EQ(out->figures().front().value, 24);
  peer.w.clock.advance(1h);
  ASSERT_TRUE(out->deliver(lines(1), {}).ok());
  EXPECT_THAT(peer.bodies.back(), testing::HasSubstr("(and 24 more)"));
}

}  // namespace
}  // namespace quern::outputs
