// `type = "dummy"`: records out of nothing, to try a pipeline with.
#include "inputs/makers.hpp"
#include "inputs/now.hpp"
#include "logs/json.hpp"
#include "logs/record.hpp"

#include <algorithm>
#include <utility>

namespace quern::inputs {
namespace {

constexpr std::chrono::milliseconds kTick(50);
constexpr double kFastest = 10'000'000;

struct DummyOptions {
  std::string tag;
  Buffer record;
  double rate = 1;          // records a second
  std::uint64_t count = 0;  // 0: until it is stopped
};

class Dummy final : public logs::Input {
 public:
  Dummy(DummyOptions options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  Result<> run(logs::Sink& sink, std::stop_token stop) override {
    const Clock::Time begin = clock_.now();
    std::uint64_t given = 0;
    while (!stop.stop_requested() && (options_.count == 0 || given < options_.count)) {
      const std::chrono::duration<double> passed = clock_.now() - begin;
      // The first at once.
      auto due = static_cast<std::uint64_t>(passed.count() * options_.rate) + 1;
      if (options_.count != 0) due = std::min(due, options_.count);
      if (given >= due) {
        (void)clock_.sleep(kTick, stop);
        continue;
      }
      logs::Batch batch;
      const logs::EventTime now = event_time(clock_);
      for (; given < due && !batch.full(); ++given) batch.add(options_.tag, now, options_.record);
      TRY(sink.accept(std::move(batch), stop));
    }
    return sink.sync();
  }

 private:
  const DummyOptions options_;
  Clock& clock_;
};

}  // namespace

MadeInput make_dummy(Settings& settings, const logs::StageWorld& world) {
  DummyOptions options;
  options.tag = TRY(settings.text_or("tag", world.name));
  options.rate = TRY(settings.decimal_or("rate", 1, 0.001, kFastest));
  options.count = TRY(settings.number_or("count", 0, {.least = 0, .most = UINT64_MAX}));
  const std::string json = TRY(settings.text_or("record", R"({"log":"a line of nothing"})"));
  const Result<> read = logs::from_json(json, options.record);
  if (!read.ok()) return settings.wrong("record", read.error().message());
  if (!logs::is_map(options.record)) return settings.wrong("record", "must be a JSON object");
  return std::make_unique<Dummy>(std::move(options), world.clock);
}

}  // namespace quern::inputs
