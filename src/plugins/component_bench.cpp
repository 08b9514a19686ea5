// What a batch costs on its way through a component and back, in processor time: 1000 lines of BGL,
// the best of some tries. component_bench FILE.wasm...
#include "base/fakes.hpp"
#include "base/files.hpp"
#include "guestapi/guestapi.hpp"

#include "logs/logs.hpp"
#include "plugins/component_events.hpp"
#include "plugins/plugins.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>

namespace quern::plugins {
namespace {

constexpr std::size_t kRecords = 1000;
constexpr int kRounds = 20;
constexpr int kTries = 15;

struct NoModels final : guestapi::ModelProvider {
  std::shared_ptr<inference::Model> loaded(std::string_view) const override { return nullptr; }
  Result<std::shared_ptr<inference::Model>> open(std::string_view) override {
    return fail(ErrorKind::not_found, "no model is here");
  }
  std::vector<inference::ModelInfo> available() const override { return {}; }
};

logs::Batch records() {
  logs::Batch batch;
  for (std::size_t i = 0; i < kRecords; ++i) {
    const std::string json =
        R"({"log":"- 1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.675872 RAS )"
        R"(KERNEL INFO instruction cache parity error corrected )" +
        std::to_string(i) + R"("})";
    Buffer packed;
    if (!logs::from_json(json, packed).ok()) std::abort();
    batch.add("bgl", {1700000000, 42}, packed);
  }
  return batch;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Work>
void measure(const std::string& what, const Work& work) {
  work();  // warm
  double best = 1e9;
  for (int k = 0; k < kTries; ++k) {
    const double before = cpu_seconds();
    for (int i = 0; i < kRounds; ++i) work();
    best = std::min(best, cpu_seconds() - before);
  }
  const double each = best / (kRounds * static_cast<double>(kRecords));
  std::printf("%-40s %8.0f ns a record %12.0f records per CPU second\n", what.c_str(), each * 1e9,
              1 / each);
}

int run(int count, char** files) {
  const auto engine = wasm::Engine::create({.worker_threads = 1}).value();
  NoModels models;
  guestapi::GuestApi api(models);
  RealFiles real;
  ManualClock clock;
  FakeNetwork network;
  FakeProcess process;
  const logs::Batch batch = records();
  std::string arguments;
  measure("records written for a guest", [&] { write_events(batch, 0, {}, arguments); });
  for (int i = 1; i < count; ++i) {
    const logs::StageWorld world{.files = real,
                                 .clock = clock,
                                 .network = network,
                                 .process = process,
                                 .state = {},
                                 .beside = {},
                                 .name = "bench"};
    const std::string table = "file = \"" + std::string(files[i]) + "\"\nmemory = \"256 MiB\"\n";
    Settings settings = Settings::parse(table, "bench").value();
    auto filter =
        make_component_filter(settings, world, {.engine = *engine, .api = api, .need_models = {}});
    if (!filter.ok()) {
      std::fprintf(stderr, "%s\n", filter.error().describe().c_str());
      return 1;
    }
    measure(files[i], [&] {
      const logs::Filtered out = (*filter)->apply(batch, {});
      if (out.faults != 0 || out.kept.size() != kRecords) std::abort();
    });
  }
  return 0;
}

}  // namespace
}  // namespace quern::plugins

int main(int argc, char** argv) { return quern::plugins::run(argc, argv); }
