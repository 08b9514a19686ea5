// What golden files cannot show: clients that leave, bodies that do not arrive.
#include "server.hpp"

#include "llm_fake.hpp"
#include <gtest/gtest.h>

namespace quern::chat {
namespace {

class Body final : public BodyReader {
 public:
  explicit Body(Outcome<std::string> outcome) : outcome_(std::move(outcome)) {}
  Outcome<std::string> read(std::size_t) override {
    ++reads;
    return outcome_;
  }
  int reads = 0;

 private:
  Outcome<std::string> outcome_;
};

// A client that leaves after so many writes.
class Client final : public Responder {
 public:
  explicit Client(int patience) : patience_(patience) {}
  void start(int code, const Headers&) override { status = code; }
  bool write(std::string_view) override { return ++writes < patience_; }
  int status = 0;
  int writes = 0;

 private:
  int patience_;
};

constexpr const char* kLongAnswer = R"({"answers": [{"batches": [[{"content": "a"}],
  [{"content": "b"}], [{"content": "c"}], [{"content": "d"}], [{"finished": "stop"}]]}]})";
constexpr const char* kStream =
    R"({"messages": [{"role": "user", "content": "x"}], "stream": true})";

struct Place {
  explicit Place(Outcome<std::string> outcome)
      : models(Json::parse(kLongAnswer)), body(std::move(outcome)) {}

  void ask(const Request& request, Client& client) {
    World world{.models = models, .body = body, .assets = {}, .allowed_origins = {}};
    serve(request, world, client);
  }

  FakeModels models;
  Body body;
};

Request post(std::string path) {
  Request request;
  request.method = "POST";
  request.path = std::move(path);
  request.authority = "localhost";
  return request;
}

TEST(Server, WorksNoFurtherForAClientThatIsGone) {
  Place place{std::string(kStream)};
  Client client(3);  // the role, "a", "b"
  place.ask(post("/v1/chat/completions"), client);
  EXPECT_EQ(client.writes, 3);
  EXPECT_EQ(client.status, 200);
}

TEST(Server, SendsAllToAClientThatStays) {
  Place place{std::string(kStream)};
  Client client(1000);
  place.ask(post("/v1/chat/completions"), client);
  EXPECT_EQ(client.writes, 7);  // role, four deltas, reason, [DONE]
}

TEST(Server, StopsACompletionForAClientThatIsGone) {
  Place place{std::string(R"({"prompt": "x", "stream": true})")};
  Client client(2);
  place.ask(post("/v1/completions"), client);
  EXPECT_EQ(client.writes, 2);
}

TEST(Server, TellsThatABodyWasTooLarge) {
  Place place{fail(body_too_large(8))};
  Client client(1000);
  place.ask(post("/v1/embeddings"), client);
  EXPECT_EQ(client.status, 413);
  EXPECT_EQ(place.models.asked(), "");
}

TEST(Server, ReadsNoBodyOfAForeignPage) {
  Place place{std::string(kStream)};
  Client client(1000);
  Request request = post("/v1/chat/completions");
  request.headers.emplace_back("origin", "https://evil.example");
  place.ask(request, client);
  EXPECT_EQ(client.status, 403);
  EXPECT_EQ(place.body.reads, 0);
}

}  // namespace
}  // namespace quern::chat
