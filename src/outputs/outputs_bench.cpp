// Records a second of one thread: outputs to files in memory and to a disk, parsers, filters.
//     ninja outputs_bench && src/outputs/outputs_bench [FOLDER]
#include "base/fakes.hpp"

#include "logs/logs.hpp"
#include "outputs/outputs.hpp"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <tuple>

namespace {

using namespace quern;
using namespace quern::logs;

constexpr int kRecords = 1'000'000;

const char* const kLine =
    "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block "
    "blk_38865049064139660 terminating";

double seconds_of_processor() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

Batch batch_of(std::string_view line) {
  Batch batch;
  Buffer record;
  line_record("log", line, record);
  for (int n = 0; n < 4096 && !batch.full(); ++n)
    batch.add("app.web", {.seconds = 1'795'340'401, .nanoseconds = static_cast<std::uint32_t>(n)},
              record);
  return batch;
}

template <class Work>
void measure(const char* name, const Batch& batch, Work work) {
  const int rounds = kRecords / static_cast<int>(batch.size());
  const double begin = seconds_of_processor();
  for (int n = 0; n < rounds; ++n) work(batch);
  const double taken = seconds_of_processor() - begin;
  std::printf("%-28s %10.0f records/s\n", name,
              static_cast<double>(rounds) * static_cast<double>(batch.size()) / taken);
}

}  // namespace

int main(int argc, char** argv) {
  RealFiles files;
  SystemClock clock;
  FakeNetwork network;
  FakeProcess process;
  const StageWorld world{files,  clock, network, process, "state", argc > 1 ? argv[1] : ".",
                         "bench"};
  Makers makers;
  outputs::add_outputs(makers);
  add_filters(makers, std::make_shared<const Parsers>());
  const Batch lines = batch_of(kLine);
  for (const auto& [name, type, toml] :
       {std::tuple("null", "null", ""),
        std::tuple("file, json", "file",
                   "path = \"bench.json\"\nrotate_size = \"64 MiB\"\nrotate_keep = 1"),
        std::tuple("file, text by tag and day", "file",
                   "path = \"bench/{@tag}-{@time:%Y-%m-%d}\"\nformat = \"text\"\nrotate_size = "
                   "\"64 MiB\"\nrotate_keep = 1"),
        std::tuple("file, msgpack", "file",
                   "path = \"bench.mp\"\nformat = \"msgpack\"\nrotate_size = \"64 "
                   "MiB\"\nrotate_keep = 1")}) {
    Settings settings = *Settings::parse(toml, "bench");
    auto output = *makers.outputs.find(type)->second(settings, world);
    measure(name, lines, [&](const Batch& batch) { (void)*output->deliver(batch, {}); });
  }
  for (const auto& [name, type, toml, line] :
       {std::tuple(
            "parse json", "parse", "parser = \"json\"",
            R"({"ts":"2026-11-22T09:40:01Z","level":"info","msg":"a line of some words","n":17})"),
        std::tuple("parse logfmt", "parse", "parser = \"logfmt\"",
                   "ts=2026-11-22T09:40:01Z level=info msg=\"a line of some words\" n=17"),
        std::tuple(
            "parse syslog", "parse", "parser = \"syslog\"",
            "<34>Oct 11 22:14:15 mymachine su[17]: 'su root' failed for lonvick on /dev/pts/8"),
        std::tuple("parse cri", "parse", "parser = \"cri\"",
                   "2026-11-22T09:40:01.123456789Z stdout F a line of some words"),
        std::tuple("grep, all stay", "grep", "exclude = { \"@line\" = \"nowhere|neither\" }",
                   kLine),
        std::tuple("mask, nothing to mask", "mask", "builtin = [\"email\", \"card\", \"token\"]",
                   kLine),
        std::tuple("modify, one set", "modify", "set = { env = \"prod\" }", kLine),
        std::tuple("multiline, start", "multiline", "start = '^\\d{6} '", kLine),
        std::tuple("dedupe, all the same", "dedupe", "", kLine)}) {
    Settings settings = *Settings::parse(toml, "bench");
    auto filter = *makers.filters.find(type)->second(settings, world);
    measure(name, batch_of(line), [&](const Batch& batch) { (void)filter->apply(batch, {}); });
  }
  return 0;
}
