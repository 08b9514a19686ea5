// Two guests of WASI-NN on one model, at once against one after the other:
//
//   nn_bench MODEL.gguf GUEST.wasm PAIRS THREADS [ARGUMENT...]
//
// Each guest gets the arguments. Prints a JSON line for each pair: seconds and new tokens of both
// ways.
#include "guestapi/fakes.hpp"
#include "guestapi/guestapi.hpp"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace quern;

[[noreturn]] void die(const Error& error) {
  std::fprintf(stderr, "%s\n", error.describe().c_str());
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result.ok()) die(result.error());
  return *std::move(result);
}

class Bench {
 public:
  Bench(const char* model, const char* wasm, std::uint32_t threads, std::vector<std::string> args)
      : engine_(must(inference::Engine::create_local({.threads = threads}))),
        runtime_(must(wasm::Engine::create({}))),
        args_(std::move(args)) {
    must(engine_->load({.name = "default", .path = model, .digest = {}}));
    grants_.models = {"default"};
    linked_ = must(runtime_->link(must(runtime_->load_file(wasm)), api_.imports()));
  }

  // What was generated since it was last asked.
  std::uint64_t take_tokens() { return tokens_.exchange(0); }

  // Seconds that two guests take. Each has a tenant of its own, so that neither finds what the
  // other has computed.
  double one_after_the_other() {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 2; ++i) start().get();
    return since(begin);
  }
  double at_once() {
    const auto begin = std::chrono::steady_clock::now();
    auto first = start();
    auto second = start();
    first.get();
    second.get();
    return since(begin);
  }

 private:
  static double since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  std::future<void> start() {
    wasm::Sandbox sandbox = must(api_.sandbox(
        grants_, {.tenant = std::to_string(++guests_),
                  .meter = [this](const auto& usage) { tokens_ += usage.completion_tokens; }}));
    sandbox.args = args_;
    auto ended = std::make_shared<std::promise<void>>();
    running_.push_back(linked_->run(std::move(sandbox), [ended](const Result<int>& code) {
      if (!code.ok()) die(code.error());
      if (*code != 0) die(Error(ErrorKind::internal, "a guest failed"));
      ended->set_value();
    }));
    return ended->get_future();
  }

  std::unique_ptr<inference::Engine> engine_;
  guestapi::LoadedModels models_{*engine_};
  guestapi::GuestApi api_{models_};
  std::unique_ptr<wasm::Engine> runtime_;
  std::shared_ptr<wasm::Linked> linked_;
  guestapi::Grants grants_;
  const std::vector<std::string> args_;
  int guests_ = 0;
  std::atomic<std::uint64_t> tokens_{0};
  std::vector<std::unique_ptr<wasm::Running>> running_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::span words(argv, static_cast<std::size_t>(argc));
  if (words.size() < 5) {
    std::fprintf(stderr, "usage: nn_bench MODEL.gguf GUEST.wasm PAIRS THREADS [ARGUMENT...]\n");
    return 2;
  }
  std::vector<std::string> args{"guest"};
  args.insert(args.end(), words.begin() + 5, words.end());
  const int pairs = std::atoi(words[3]);
  Bench bench(words[1], words[2], static_cast<std::uint32_t>(std::atoi(words[4])), args);
  bench.at_once();  // weights into memory
  (void)bench.take_tokens();
  const auto run = [&](double (Bench::*way)(), const char* name, const char* end) {
    const double seconds = (bench.*way)();
    std::printf("\"%s\": {\"s\": %.4f, \"tokens\": %llu}%s", name, seconds,
                static_cast<unsigned long long>(bench.take_tokens()), end);
  };
  for (int i = 0; i < pairs; ++i) {
    std::printf("{");
    if (i % 2 == 0) {
      run(&Bench::at_once, "at_once", ", ");
      run(&Bench::one_after_the_other, "one_after_the_other", "}\n");
    } else {
      run(&Bench::one_after_the_other, "one_after_the_other", ", ");
      run(&Bench::at_once, "at_once", "}\n");
    }
    std::fflush(stdout);
  }
  return 0;
}
