#include "catalog/meter.hpp"

namespace quern::catalog {
namespace {

constexpr std::chrono::milliseconds kBetweenReports(200);
constexpr std::chrono::seconds kBeforeGuessing(1);  // connections begin slowly
// How much a new measurement weighs: the rate follows a change within about three seconds.
constexpr double kWeight = 0.15;

}  // namespace

void Meter::start(std::string source, std::uint64_t done, std::uint64_t total) {
  progress_ = Progress{.source = std::move(source), .done = done, .total = total};
  started_ = measured_ = told_ = clock_.now();
  measured_done_ = done;
  if (report_) report_(progress_);
}

void Meter::at(std::uint64_t done) {
  progress_.done = done;
  const auto now = clock_.now();
  if (now - told_ >= kBetweenReports) tell(now);
}

void Meter::tell(Clock::Time now) {
  const double seconds = std::chrono::duration<double>(now - measured_).count();
  if (seconds > 0 && progress_.done >= measured_done_) {
    const double rate = static_cast<double>(progress_.done - measured_done_) / seconds;
    const bool first = progress_.bytes_per_second == 0;
    progress_.bytes_per_second =
        first ? rate : kWeight * rate + (1 - kWeight) * progress_.bytes_per_second;
  }
  measured_ = told_ = now;
  measured_done_ = progress_.done;
  progress_.left = std::chrono::seconds(0);
  const bool known = progress_.bytes_per_second > 1 && now - started_ >= kBeforeGuessing;
  if (known && progress_.total > progress_.done) {
    const double left = static_cast<double>(progress_.total - progress_.done);
    progress_.left =
        std::chrono::seconds(static_cast<std::int64_t>(left / progress_.bytes_per_second) + 1);
  }
  if (report_) report_(progress_);
}

void Meter::finish() { tell(clock_.now()); }

}  // namespace quern::catalog
