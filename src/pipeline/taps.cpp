#include "pipeline/taps.hpp"

#include "logs/msgpack.hpp"

#include <algorithm>

namespace quern::pipeline {
namespace {

constexpr std::size_t kMostTaps = 8;
constexpr std::size_t kMostOfABatch = 256;

std::string as_line(const logs::Entry& entry) {
  std::string line = "{\"tag\":";
  logs::msgpack::json_text(entry.tag, line);
  const double time = entry.time.seconds + entry.time.nanoseconds * 1e-9;
  line += ",\"time\":" + std::to_string(time) + ",\"record\":";
  // Deeper records than JSON takes are null.
  const std::size_t before = line.size();
  if (!logs::msgpack::to_json(entry.record, line)) {
    line.resize(before);
    line += "null";
  }
  return line + "}";
}

}  // namespace

Result<std::shared_ptr<Tap>> Taps::open(std::string stage) {
  auto tap = std::make_shared<Tap>(std::move(stage));
  auto taps = taps_.lock();
  std::erase_if(*taps, [](const std::weak_ptr<Tap>& one) { return one.expired(); });
  if (taps->size() >= kMostTaps)
    return fail(ErrorKind::resource_exhausted, "eight taps are open already");
  taps->push_back(tap);
  open_ = taps->size();
  return tap;
}

void Taps::offer(std::string_view stage, const logs::Batch& batch) {
  if (open_ == 0 || batch.empty()) return;
  std::vector<std::shared_ptr<Tap>> lookers;
  taps_.with([&](std::vector<std::weak_ptr<Tap>>& taps) {
    std::erase_if(taps, [](const std::weak_ptr<Tap>& one) { return one.expired(); });
    open_ = taps.size();
    for (const std::weak_ptr<Tap>& one : taps) {
      if (auto tap = one.lock(); tap && tap->stage() == stage) lookers.push_back(std::move(tap));
    }
  });
  for (const std::shared_ptr<Tap>& tap : lookers) {
    const std::size_t shown = std::min(batch.size(), kMostOfABatch);
    tap->missed_ += batch.size() - shown;
    for (std::size_t i = 0; i < shown; ++i) {
      std::string line = as_line(batch[i]);
      const Bytes cost{line.size()};
      if (!tap->lines_.try_push(std::move(line), cost)) ++tap->missed_;
    }
  }
}

}  // namespace quern::pipeline
