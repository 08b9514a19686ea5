// Measures a model through the public interface, as llama-bench does below it:
//
//   quern_infer_bench MODEL.gguf [threads]       single stream: prefill of 512, decode of 128
//   quern_infer_bench MODEL.gguf [threads] chat  8 clients that share a 500-token system prompt
//   quern_infer_bench MODEL.gguf [threads] say TEXT
#include "inference/inference.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <future>
#include <string>
#include <vector>

namespace {

using namespace quern::inference;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// CPU time of this process: steadier than the clock where others use the machine too.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Outcome {
  Finished finished;
  double first = 0;  // seconds to the first event
  std::string text;
};

[[noreturn]] void die(const quern::Error& error) {
  std::fprintf(stderr, "%s\n", error.describe().c_str());
  std::exit(1);
}

Outcome read_to_end(Generation& generation, Clock::time_point start) {
  Outcome outcome;
  for (;;) {
    std::promise<void> ready;
    generation.on_ready([&] { ready.set_value(); });
    ready.get_future().wait();
    auto events = generation.read();
    if (!events.ok()) die(events.error());
    if (outcome.first == 0) outcome.first = seconds_since(start);
    for (const Event& event : *events) {
      if (const auto* content = std::get_if<Content>(&event)) outcome.text += content->text;
      const auto* finished = std::get_if<Finished>(&event);
      if (finished == nullptr) continue;
      outcome.finished = *finished;
      return outcome;
    }
  }
}

Sampling greedy(std::uint32_t tokens) {
  Sampling sampling;
  sampling.temperature = 0;
  sampling.max_tokens = tokens;
  return sampling;
}

// Words that no earlier prompt began with, so that nothing is cached.
std::string fresh_words(Model& model, std::size_t tokens, int salt) {
  std::string text = "Report " + std::to_string(salt * 7919) + ":";
  const char* words[] = {" river", " stone", " seven", " light", " wheel", " corn", " paper"};
  std::size_t state = static_cast<std::size_t>(salt) * 31 + 7;
  while (model.tokenize(text, false).value().size() + 1 < tokens) {
    state = state * 1103515245 + 12345;
    text += words[(state >> 16) % 7];
  }
  return text;
}

void single(Model& model) {
  for (int round = 0; round < 5; ++round) {
    const std::string prompt = fresh_words(model, 512, round + 1);
    CompletionRequest request{.prompt = prompt, .sampling = greedy(1), .format = {}};
    double cpu = cpu_seconds();
    auto generation = model.complete(request, {}).value();
    const Outcome outcome = read_to_end(*generation, Clock::now());
    const double prefill_cpu = cpu_seconds() - cpu;
    const auto& usage = outcome.finished.usage;
    const auto computed = usage.prompt_tokens - usage.cached_tokens;
    std::printf("pp%u %8.2f t/s (%.1f per CPU second, cached %u)", computed,
                1e3 * computed / outcome.finished.timings.prefill_ms, computed / prefill_cpu,
                usage.cached_tokens);
    CompletionRequest more{.prompt = "Once upon a time", .sampling = greedy(128), .format = {}};
    cpu = cpu_seconds();
    auto decode = model.complete(more, {}).value();
    const Outcome said = read_to_end(*decode, Clock::now());
    const auto tokens = said.finished.usage.completion_tokens;
    std::printf("   tg%u %8.2f t/s (%.1f per CPU second)\n", tokens,
                1e3 * (tokens - 1) / said.finished.timings.decode_ms,
                tokens / (cpu_seconds() - cpu));
    std::fflush(stdout);
  }
}

void clients(Model& model, int count) {
  const std::string system = fresh_words(model, 500, 1000 + count);
  std::vector<std::unique_ptr<Generation>> generations;
  std::vector<std::future<Outcome>> outcomes;
  const auto start = Clock::now();
  for (int i = 0; i < count; ++i) {
    ChatRequest request;
    request.messages.push_back({.role = Role::system, .text = system});
    request.messages.push_back(
        {.role = Role::user, .text = "Tell me story number " + std::to_string(i)});
    request.sampling = greedy(64);
    generations.push_back(model.chat(request, {}).value());
  }
  for (auto& generation : generations) {
    outcomes.push_back(std::async(
        std::launch::async, [&generation, start] { return read_to_end(*generation, start); }));
  }
  double tokens = 0;
  std::vector<double> first;
  for (auto& outcome : outcomes) {
    const Outcome done = outcome.get();
    tokens += done.finished.usage.completion_tokens;
    first.push_back(done.first);
  }
  const double took = seconds_since(start);
  std::sort(first.begin(), first.end());
  std::printf("%d clients: %.1f t/s, first token p50 %.0f ms, max %.0f ms, all in %.2f s\n", count,
              tokens / took, 1e3 * first[first.size() / 2], 1e3 * first.back(), took);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL.gguf [threads] [chat|say TEXT]\n", argv[0]);
    return 2;
  }
  EngineOptions options;
  if (argc > 2) options.threads = static_cast<std::uint32_t>(std::atoi(argv[2]));
  auto engine = Engine::create_local(options);
  if (!engine.ok()) die(engine.error());
  const auto start = Clock::now();
  auto model = (*engine)->load({.name = "model", .path = argv[1], .digest = {}});
  if (!model.ok()) die(model.error());
  std::printf("%s, loaded in %.0f ms on %s\n", (*model)->info().architecture.c_str(),
              1e3 * seconds_since(start), (*engine)->device().c_str());
  const std::string what = argc > 3 ? argv[3] : "single";
  if (what == "single") single(**model);
  if (what == "chat") {
    for (const int count : {1, 8, 8}) clients(**model, count);
  }
  if (what == "say" && argc > 4) {
    ChatRequest request;
    request.messages.push_back({.role = Role::user, .text = argv[4]});
    request.sampling = greedy(100);
    auto generation = (*model)->chat(request, {}).value();
    std::printf("%s\n", read_to_end(*generation, Clock::now()).text.c_str());
  }
  return 0;
}
