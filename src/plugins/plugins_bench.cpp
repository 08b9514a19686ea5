// A filter alone, without an input and an output: records per processor second.
//
//     plugins_bench FILE.wasm FUNCTION LINES [json|msgpack] [SECONDS]
//
// LINES is a file of text; each line is a record {"log": line}, in batches as inputs make them.
#include "base/fakes.hpp"
#include "base/files.hpp"

#include "plugins/plugins.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace quern;  // NOLINT(google-build-using-namespace)

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<logs::Batch> read_batches(const char* path) {
  std::vector<logs::Batch> batches(1);
  std::ifstream file(path);
  Buffer record;
  for (std::string line; std::getline(file, line);) {
    record.clear();
    logs::line_record("log", line, record);
    if (batches.back().full()) batches.emplace_back();
    batches.back().add("bench", {.seconds = 1, .nanoseconds = 0}, record);
  }
  return batches;
}

Result<int> run(const std::vector<std::string>& words) {
  const auto engine = TRY(wasm::Engine::create({.worker_threads = 1}));
  RealFiles files;
  SystemClock clock;
  FakeNetwork network;
  FakeProcess process;
  logs::Makers makers;
  plugins::add_plugins(makers, [&]() -> Result<wasm::Engine*> { return engine.get(); });
  Settings settings =
      TRY(Settings::parse("wasm_path = \"" + words[0] + "\"\nfunction_name = \"" + words[1] +
                              "\"\nevent_format = \"" + words[3] + "\"\n",
                          "bench"));
  const logs::StageWorld world{.files = files,
                               .clock = clock,
                               .network = network,
                               .process = process,
                               .state = {},
                               .beside = ".",
                               .name = "bench"};
  const auto filter = TRY(makers.filters.at("wasm")(settings, world));
  const std::vector<logs::Batch> batches = read_batches(words[2].c_str());
  const double seconds = std::atof(words[4].c_str());
  std::uint64_t records = 0;
  std::uint64_t kept = 0;
  const double began = processor_seconds();
  while (processor_seconds() - began < seconds) {
    for (const logs::Batch& batch : batches) {
      records += batch.size();
      kept += filter->apply(batch, {}).kept.size();
    }
  }
  const double used = processor_seconds() - began;
  std::printf("%llu records, %llu kept, %.0f per processor second, %.3f us each\n",
              static_cast<unsigned long long>(records), static_cast<unsigned long long>(kept),
              static_cast<double>(records) / used, 1e6 * used / static_cast<double>(records));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) {
    std::fputs("plugins_bench FILE.wasm FUNCTION LINES [FORM] [SECONDS]\n", stderr);
    return 2;
  }
  std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() < 4) words.emplace_back("json");
  if (words.size() < 5) words.emplace_back("2");
  const auto ran = run(words);
  if (!ran.ok()) std::fprintf(stderr, "%s\n", ran.error().describe().c_str());
  return ran.ok() ? 0 : 1;
}
