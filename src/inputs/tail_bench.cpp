// How many records tail gives in a second of processor time, to a sink that forgets them.
//
//     tail_bench FILE
#include "base/fakes.hpp"
#include "base/process.hpp"

#include "inputs/tailer.hpp"

#include <cstdio>
#include <ctime>
#include <filesystem>

namespace {

class NullSink final : public quern::logs::Sink {
 public:
  quern::Result<> accept(quern::logs::Batch batch, const std::stop_token&) override {
    records += batch.size();
    return {};
  }
  quern::Result<> sync() override { return {}; }
  std::uint64_t records = 0;
};

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace quern;
  if (argc != 2) {
    std::fputs("usage: tail_bench FILE\n", stderr);
    return 2;
  }
  FakeFiles files;
  SystemClock clock;
  NullSink sink;
  auto tailer = inputs::Tailer::create({.paths = {argv[1]},
                                        .tag = "bench",
                                        .lines = {.max_line = 1_MiB},
                                        .read_from_head = true,
                                        .positions = "state/positions"},
                                       files, clock);
  if (!tailer.ok()) return 1;
  const double begin = processor_seconds();
  for (;;) {
    const auto more = (*tailer)->step(sink, {});
    if (!more.ok()) return 1;
    if ((*tailer)->commit_is_due() && !(*tailer)->commit(sink).ok()) return 1;
    if (!*more) break;
  }
  const double seconds = processor_seconds() - begin;
  std::printf("%llu records, %.3f s of processor: %.2f M records a second\n",
              static_cast<unsigned long long>(sink.records), seconds,
              static_cast<double>(sink.records) / seconds / 1e6);
  return 0;
}
