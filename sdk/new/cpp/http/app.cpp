// How does a text sound? POST it, and read the verdict as JSON while the model writes it.
#include <quern/http.hpp>

using quern::http::Outcome;
using quern::http::Problem;
using quern::http::problem_of;

struct Verdict {
  std::string sentiment;
  int confidence = 0;  // percent
  std::string reason;
  NLOHMANN_DEFINE_TYPE_INTRUSIVE(Verdict, sentiment, confidence, reason)
};
constexpr const char* kVerdict = R"({
  "type": "object",
  "properties": {
    "sentiment": {"enum": ["positive", "neutral", "negative"]},
    "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
    "reason": {"type": "string", "maxLength": 120}
  },
  "required": ["sentiment", "confidence", "reason"],
  "additionalProperties": false
})";

static Outcome answer(const quern::http::Request& request, quern::http::Response& response) {
  if (request.method() != "POST") return Problem{405, "POST a text to this address"};
  std::string text;
  if (const Outcome problem = request.read(text, 64 * 1024)) return problem;
  if (text.find_first_not_of(" \t\r\n") == text.npos) return Problem{400, "the text is empty"};

  const auto llm = quern::open();
  if (!llm) return problem_of(llm.error());
  quern::Stream stream = quern::stream(
      *llm, {.messages = {quern::system("Judge how the user's text sounds, and say in one sentence why."),
                          quern::user(text)},
             .sampling = {.max_tokens = 300, .temperature = 0},
             .schema = kVerdict});
  // A client that leaves ends this instance, and the model stops.
  for (const std::string& piece : stream) {
    if (!response.started()) response.start(200, "application/json");
    if (!response.write(piece)) return Problem{499, "the client is gone"};
  }
  const auto verdict = stream.value<Verdict>();
  if (!verdict) return problem_of(verdict.error());
  std::printf("%s, %d %%, %u tokens\n", verdict->sentiment.c_str(), verdict->confidence,
              stream.whole()->summary.usage.completion_tokens);
  return {};
}

QUERN_HTTP(answer)
