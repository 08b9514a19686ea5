#include "base/unpack.hpp"
#include "http/http.hpp"

#include "outputs/http_post.hpp"
#include "outputs/test_support.hpp"

#include <thread>

namespace quern::outputs {
namespace {

using namespace std::chrono_literals;
using logs::Batch;
using test::add;
using test::must_make;

Batch two() {
  Batch batch;
  add(batch, "app.web", R"({"log":"one","n":1})");
  add(batch, "app.db", R"({"log":"two","time":"own"})", test::kSecond, 7);
  return batch;
}

// What was sent, as it goes over the wire but for the connection's own fields.
std::string wire(const SendRequest& request, const std::string& body) {
  std::string text = request.method + " " + request.url + "\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
  return text + "\n" + body + "\n";
}

struct Peer {
  test::World w;
  std::vector<std::string> sent;
  std::vector<SendAnswer> answers;  // in turn; then 200
  std::optional<Error> error;

  Peer() {
    w.network.answer_sent(
        [this](const SendRequest& request, const std::string& body) -> Result<SendAnswer> {
          sent.push_back(wire(request, body));
          if (error) return fail(*error);
          if (answers.empty()) return SendAnswer{.status = 200};
          SendAnswer answer = answers.front();
          answers.erase(answers.begin());
          return answer;
        });
  }
};

TEST(HttpOutput, JsonNdjsonAndMsgpackOnTheWire) {
  Peer peer;
  std::string all;
  for (const std::string_view settings : {"tag_key = \"tag\"\nbearer_token = \"t0k\"",
                                          "format = \"ndjson\"\nuser = \"u\"\npassword = \"p\"",
                                          "time_key = \"\"\n[headers]\nX-Scope = \"a\""}) {
    const auto out =
        must_make("http", "url = \"http://peer/in\"\n" + std::string(settings), peer.w.world);
    const Result<Batch> dead = out->deliver(two(), {});
    ASSERT_TRUE(dead.ok()) << dead.error().describe();
    EXPECT_TRUE(dead->empty());
    all += peer.sent.back();
  }
  test::expect_golden("http.txt", all);
  const auto out =
      must_make("http", "url = \"http://peer/in\"\nformat = \"msgpack\"", peer.w.world);
  ASSERT_TRUE(out->deliver(two(), {}).ok());
  const std::string& text = peer.sent.back();
  Batch again;
  const std::string_view body = std::string_view(text).substr(text.find("\n\n") + 2);
  EXPECT_TRUE(again.add_all_packed("t", as_bytes(body.substr(0, body.size() - 1))).ok());
  EXPECT_EQ(again.size(), 2U);
}

TEST(HttpOutput, StatusesDecideWhatBecomesOfABatch) {
  Peer peer;
  const auto out =
      must_make("http", "url = \"http://peer/in\"\nsuccess = [\"2xx\", \"409\"]", peer.w.world);
  for (const int again : {429, 408, 500, 503}) {
    peer.answers = {{.status = static_cast<std::uint16_t>(again)}};
    const Result<Batch> got = out->deliver(two(), {});
    ASSERT_FALSE(got.ok()) << again;
    EXPECT_EQ(got.error().kind(), ErrorKind::unavailable);
  }
  for (const int refused : {400, 401, 404, 301}) {
    peer.answers = {{.status = static_cast<std::uint16_t>(refused), .body = "bad \x1b[2J field"}};
    const Result<Batch> got = out->deliver(two(), {});
    ASSERT_TRUE(got.ok()) << refused;
    EXPECT_EQ(got->size(), 2U);
    EXPECT_THAT(test::reasons(*got),
                testing::HasSubstr(std::to_string(refused) + ": bad ?[2J field"));
  }
  peer.answers = {{.status = 409}};
  EXPECT_TRUE(out->deliver(two(), {})->empty());
}

TEST(HttpOutput, ABatchThatIsTooLargeGoesInHalves) {
  Peer peer;
  const auto out = must_make("http", "url = \"http://peer/in\"", peer.w.world);
  peer.answers = {{.status = 413}, {.status = 413}, {.status = 200}};
  const Result<Batch> dead = out->deliver(two(), {});
  ASSERT_TRUE(dead.ok());
  EXPECT_EQ(dead->size(), 1U);
  EXPECT_EQ(peer.sent.size(), 3U);
}

TEST(HttpOutput, WaitsAsLongAsThePeerSays) {
  Peer peer;
  const auto out = must_make("http", "url = \"http://peer/in\"", peer.w.world);
  peer.answers = {{.status = 429, .retry_after = "20"}};
  EXPECT_FALSE(out->deliver(two(), {}).ok());
  std::jthread waits([&] { EXPECT_TRUE(out->deliver(two(), {}).ok()); });
  while (peer.w.clock.sleepers() == 0) std::this_thread::yield();
  EXPECT_EQ(peer.sent.size(), 1U);
  peer.w.clock.advance(20s);
  waits.join();
  EXPECT_EQ(peer.sent.size(), 2U);
  // And can be stopped in it.
  peer.answers = {{.status = 503, .retry_after = "99999999"}};
  EXPECT_FALSE(out->deliver(two(), {}).ok());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(out->deliver(two(), stop.get_token()).error().kind(), ErrorKind::cancelled);
}

TEST(HttpOutput, NoMessageTellsASecret) {
  Peer peer;
  peer.w.process.environment["HOOK"] = "https://hooks.example/services/S3CRET?key=S3CRET";
  const auto out = must_make("http", "url = { env = \"HOOK\" }", peer.w.world);
  peer.error = Error(ErrorKind::not_found, "no such host")
                   .wrap("POST https://hooks.example/services/S3CRET?key=S3CRET");
  const std::string why = out->deliver(two(), {}).error().describe();
  EXPECT_EQ(why, "https://hooks.example: no such host");
  EXPECT_EQ(out->deliver(two(), {}).error().kind(), ErrorKind::unavailable);
}

TEST(HttpOutput, GzipIsWhatItSays) {
  Peer peer;
  std::string body;
  peer.w.network.answer_sent([&](const SendRequest&, const std::string& got) -> Result<SendAnswer> {
    body = got;
    return SendAnswer{.status = 204};
  });
  const auto out = must_make("http", "url = \"http://peer/in\"\ncompress = \"gzip\"", peer.w.world);
  ASSERT_TRUE(out->deliver(two(), {}).ok());
  EXPECT_TRUE(as_text(*unpack(as_bytes(body), 1_MiB)).starts_with("[{"));
}

TEST(HttpOutput, WhatIsWrongInAFileIsNamed) {
  test::World w;
  EXPECT_THAT(test::refused("http", "url = \"ftp://x\"", w.world), testing::HasSubstr("http://"));
  EXPECT_THAT(test::refused("http", "", w.world), testing::HasSubstr("url"));
  const std::string user = test::refused("http", "url = \"http://u:S3CRET@x/\"", w.world);
  EXPECT_THAT(user, testing::HasSubstr("has a user in it"));
  EXPECT_THAT(user, testing::Not(testing::HasSubstr("S3CRET")));
  EXPECT_EQ(test::refused("http", "url = \"http://x/in?to=a@b\"", w.world), "");
  EXPECT_THAT(
      test::refused("http", "url = \"http://x\"\nbearer_token = { env = \"GONE\" }", w.world),
      testing::HasSubstr("GONE"));
  EXPECT_THAT(test::refused("http", "url = \"http://x\"\nsuccess = [\"ok\"]", w.world),
              testing::HasSubstr("2xx"));
}

}  // namespace
}  // namespace quern::outputs
