// Asks the model that its host lends.
#include <quern/llm.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <numeric>
#include <span>

static constexpr const char* kUsage =
    "usage: @NAME@ QUESTION                  the answer, as it is written\n"
    "       @NAME@ --brief QUESTION          its first sentence\n"
    "       @NAME@ --clock QUESTION          the model may look at the clock\n"
    "       @NAME@ --closest TEXT OTHER...   which of the others is nearest in meaning\n";

static int fail(const quern::Error& error) {
  std::fprintf(stderr, "@NAME@: %s\n", quern::describe(error).c_str());
  return 1;
}

static int ask(const quern::Model& llm, const char* question) {
  quern::Stream stream = quern::stream(
      llm, {.messages = {quern::user(question)}, .sampling = {.max_tokens = 200, .temperature = 0}});
  for (const std::string& piece : stream) {
    std::fputs(piece.c_str(), stdout);
    std::fflush(stdout);
  }
  if (stream.error()) return fail(*stream.error());
  std::puts("");
  return 0;
}

static int brief(const quern::Model& llm, const char* question) {
  quern::Stream stream = quern::stream(
      llm, {.messages = {quern::user(question)}, .sampling = {.temperature = 0}});
  std::string text;
  while (text.find('.') == text.npos) text += stream.next().value_or(".");
  stream.cancel();
  const auto reply = stream.whole();
  if (!reply) return fail(reply.error());
  std::puts(text.substr(0, text.find('.') + 1).c_str());
  std::fprintf(stderr, "%u tokens\n", reply->summary.usage.completion_tokens);
  return 0;
}

static std::string clock_in(const nlohmann::json& arguments) {
  const std::string zone = arguments.value("zone", "");
  if (zone != "UTC") return "nobody here knows the time in " + zone;
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%H:%M in UTC", std::gmtime(&now));
  return text;
}

static int ask_with_clock(const quern::Model& llm, const char* question) {
  const auto reply = quern::ask(
      llm, {.messages = {quern::user(question)},
            .sampling = {.max_tokens = 200, .temperature = 0},
            .tools = {{.name = "clock",
                       .description = "Says what time it is.",
                       .parameters = R"({"type": "object", "required": ["zone"], "properties": {"zone":
                         {"type": "string", "description": "the name of a time zone, as in UTC"}}})",
                       .call = clock_in}}});
  if (!reply) return fail(reply.error());
  std::puts(reply->text.c_str());
  return 0;
}

static int closest(const quern::Model& llm, std::span<char*> words) {
  const std::vector<std::string> texts(words.begin(), words.end());
  const auto embeddings = llm.embed(texts);
  if (!embeddings) return fail(embeddings.error());
  const auto& vectors = embeddings->vectors;
  const auto likeness = [&](const std::vector<float>& vector) {
    return std::inner_product(vector.begin(), vector.end(), vectors[0].begin(), 0.0F);
  };
  const auto best = std::max_element(vectors.begin() + 1, vectors.end(),
                                     [&](auto& a, auto& b) { return likeness(a) < likeness(b); });
  std::puts(texts[static_cast<std::size_t>(best - vectors.begin())].c_str());
  return 0;
}

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  const bool one = argc == 3;
  const bool known = (one && (first == "--brief" || first == "--clock")) ||
                     (argc > 3 && first == "--closest") || (argc == 2 && !first.starts_with("-"));
  if (!known) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  const auto llm = quern::open();
  if (!llm) return fail(llm.error());
  if (first == "--brief") return brief(*llm, argv[2]);
  if (first == "--clock") return ask_with_clock(*llm, argv[2]);
  if (first == "--closest") return closest(*llm, std::span(argv + 2, argv + argc));
  return ask(*llm, argv[1]);
}
