// Whole requests through the server, as text: tests/golden/openai/*.http. Each file holds
//
//   # what it shows
//   POST /v1/chat/completions      the request: line, headers, empty line, body
//   --- model                      the script of llm_fake.hpp (left out: the default one)
//   --- asked                      what the model was asked
//   --- response                   status, headers, empty line, body
//
// QUERN_UPDATE_GOLDEN=1 writes the last two anew; read them in review.
#include "llm_fake.hpp"
#include "server.hpp"
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace quern::chat {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultScript = R"({"answers": [{"batches": [
  [{"content": "Hello"}], [{"content": " world"}, {"finished": "stop"}]]}]})";

struct Case {
  std::string request;  // with its comment
  std::string model;
  std::string asked;
  std::string response;
};

std::string read_file(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Cuts the part up to the line "--- name" off the front of `text`.
std::string cut(std::string& text, const std::string& name) {
  const std::string marker = "--- " + name + "\n";
  const std::size_t at = text.find(marker);
  if (at == std::string::npos) return {};
  std::string part = text.substr(0, at);
  text.erase(0, at + marker.size());
  return part;
}

Case read_case(const fs::path& path) {
  std::string text = read_file(path);
  Case result;
  const bool has_model = text.find("--- model\n") != std::string::npos;
  if (text.find("--- asked\n") == std::string::npos) text += "--- asked\n--- response\n";
  if (has_model) {
    result.request = cut(text, "model");
    result.model = cut(text, "asked");
  } else {
    result.request = cut(text, "asked");
  }
  result.asked = cut(text, "response");
  result.response = text;
  return result;
}

class TextBody final : public BodyReader {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  Outcome<std::string> read(std::size_t limit) override {
    if (text_.size() > limit) return fail(body_too_large(limit));
    return text_;
  }

 private:
  std::string text_;
};

// The response as it would be read on the wire.
class TextResponder final : public Responder {
 public:
  void start(int status, const Headers& headers) override {
    text_ += std::to_string(status) + "\n";
    for (const auto& [name, value] : headers) text_ += name + ": " + value + "\n";
    text_ += "\n";
  }
  bool write(std::string_view bytes) override {
    text_ += bytes;
    return true;
  }
  std::string text() const { return text_.ends_with('\n') ? text_ : text_ + "\n"; }

 private:
  std::string text_;
};

// Fills `request` and gives the body.
std::string parse_request(const std::string& text, Request& request) {
  std::istringstream in(text);
  std::string line;
  while (std::getline(in, line) && line.starts_with('#')) {
  }
  std::istringstream(line) >> request.method >> request.path;
  request.authority = "localhost:8080";
  while (std::getline(in, line) && !line.empty()) {
    const std::size_t colon = line.find(": ");
    request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  std::string body(std::istreambuf_iterator<char>(in), {});
  while (body.ends_with('\n')) body.pop_back();
  return body;
}

constexpr Asset kPage[] = {{.path = "/index.html",
                            .content_type = "text/html",
                            .etag = "\"e1\"",
                            .hashed_name = false,
                            .plain = "<p>plain page</p>",
                            .gzip = "GZIP",
                            .brotli = "BROTLI"},
                           {.path = "/assets/app-abcdefgh.js",
                            .content_type = "text/javascript",
                            .etag = "\"e2\"",
                            .hashed_name = true,
                            .plain = "app()",
                            .gzip = "",
                            .brotli = ""}};

void run(Case& golden) {
  Request request;
  TextBody body(parse_request(golden.request, request));
  FakeModels models(Json::parse(golden.model.empty() ? kDefaultScript : golden.model));
  World world{.models = models,
              .body = body,
              .assets = kPage,
              .allowed_origins = {"https://friend.example"},
              .now_s = 1'760'000'000,
              .random = 42};
  TextResponder responder;
  serve(request, world, responder);
  golden.asked = models.asked();
  golden.response = responder.text();
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, AnswersAsWrittenDown) {
  Case golden = read_case(GetParam());
  const Case expected = golden;
  run(golden);
  if (std::getenv("QUERN_UPDATE_GOLDEN") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream out(GetParam());
    out << golden.request;
    if (!golden.model.empty()) out << "--- model\n" << golden.model;
    out << "--- asked\n" << golden.asked << "--- response\n" << golden.response;
    return;
  }
  EXPECT_EQ(golden.asked, expected.asked);
  EXPECT_EQ(golden.response, expected.response);
}

std::vector<fs::path> cases() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(QUERN_GOLDEN_DIR)) {
    if (entry.path().extension() == ".http") paths.push_back(entry.path());
  }
  return paths;
}

std::string name_of(const testing::TestParamInfo<fs::path>& info) {
  return info.param.stem().string();
}

INSTANTIATE_TEST_SUITE_P(OpenAi, Golden, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace quern::chat
