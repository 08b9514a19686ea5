// Fewer records: so many in a time (throttle), none twice (dedupe), one of many (sample). Each
// remembers a bounded number of keys, whatever senders make up.
#include "base/guarded.hpp"

#include "logs/filter_parts.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <random>
#include <unordered_map>
#include <unordered_set>

namespace quern::logs {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

// Of a key, with salt: nobody who writes log lines can make two alike.
class KeyHash {
 public:
  KeyHash() {
    std::random_device source;
    for (char& c : salt_) c = static_cast<char>(source());
  }
  std::uint64_t operator()(std::string_view key) const {
    std::string salted(salt_.data(), salt_.size());
    salted += key;
    return std::hash<std::string>()(salted);
  }

 private:
  std::array<char, 16> salt_{};
};

// A bucket of tokens for each key: `rate` come in a window, and so many may be saved up.
class ThrottleFilter final : public Filter {
 public:
  struct Options {
    double rate = 0;
    milliseconds window{0};
    double burst = 0;
    std::size_t max_keys = 0;
    std::vector<FieldName> keys;
  };
  ThrottleFilter(const StageWorld& world, Options options)
      : clock_(world.clock), options_(std::move(options)) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    const Clock::Time now = clock_.now();
    return only(std::move(batch), [&](const Entry& entry) {
      const std::uint64_t key = options_.keys.empty() ? 0 : hash_(together(options_.keys, entry));
      return buckets_.with([&](Buckets& buckets) { return take(buckets, key, now); });
    });
  }

 private:
  struct Bucket {
    double tokens = 0;
    Clock::Time at{};
  };
  using Buckets = std::unordered_map<std::uint64_t, Bucket>;

  void refill(Bucket& bucket, Clock::Time now) const {
    const double windows = duration<double>(now - bucket.at) / duration<double>(options_.window);
    bucket.tokens = std::min(options_.burst, bucket.tokens + options_.rate * windows);
    bucket.at = now;
  }

  bool take(Buckets& buckets, std::uint64_t key, Clock::Time now) const {
    auto at = buckets.find(key);
    if (at == buckets.end()) {
      if (buckets.size() >= options_.max_keys) forget_full(buckets, now);
      // Still too many at once: what is new shares one bucket.
      const std::uint64_t shared = buckets.size() >= options_.max_keys ? 0 : key;
      at = buckets.try_emplace(shared, Bucket{.tokens = options_.burst, .at = now}).first;
    }
    refill(at->second, now);
    if (at->second.tokens < 1) return false;
    at->second.tokens -= 1;
    return true;
  }

  // A bucket that is full again says no more than one that was never there.
  void forget_full(Buckets& buckets, Clock::Time now) const {
    std::erase_if(buckets, [&](const auto& held) {
      Bucket bucket = held.second;
      refill(bucket, now);
      return bucket.tokens >= options_.burst;
    });
  }

  Clock& clock_;
  const Options options_;
  const KeyHash hash_;
  Guarded<Buckets> buckets_;
};

class DedupeFilter final : public Filter {
 public:
  DedupeFilter(const StageWorld& world, std::vector<FieldName> keys, milliseconds window,
               std::size_t max_keys)
      : clock_(world.clock), keys_(std::move(keys)), window_(window), max_keys_(max_keys) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    const Clock::Time now = clock_.now();
    return only(std::move(batch), [&](const Entry& entry) {
      const std::uint64_t key = hash_(together(keys_, entry));
      return seen_.with([&](Seen& seen) { return is_new(seen, key, now); });
    });
  }

 private:
  struct Seen {
    std::unordered_set<std::uint64_t> keys;
    std::deque<std::pair<Clock::Time, std::uint64_t>> order;
  };

  bool is_new(Seen& seen, std::uint64_t key, Clock::Time now) const {
    while (!seen.order.empty() &&
           (now - seen.order.front().first >= window_ || seen.order.size() >= max_keys_)) {
      // The oldest of too many goes early only for a new one.
      if (now - seen.order.front().first < window_ && seen.keys.contains(key)) break;
      seen.keys.erase(seen.order.front().second);
      seen.order.pop_front();
    }
    if (!seen.keys.insert(key).second) return false;
    seen.order.emplace_back(now, key);
    return true;
  }

  Clock& clock_;
  const std::vector<FieldName> keys_;
  const milliseconds window_;
  const std::size_t max_keys_;
  const KeyHash hash_;
  Guarded<Seen> seen_;
};

// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/): the same share on every machine.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
  return hash ^ hash >> 32U;
}

class SampleFilter final : public Filter {
 public:
  SampleFilter(std::uint64_t rate, std::vector<FieldName> keys)
      : rate_(rate), keys_(std::move(keys)) {}

  Filtered apply(Batch batch, const std::stop_token& /*stop*/) override {
    return only(std::move(batch), [&](const Entry& entry) {
      if (keys_.empty()) return count_++ % rate_ == 0;
      return stable_hash(together(keys_, entry)) % rate_ == 0;
    });
  }

 private:
  const std::uint64_t rate_;
  const std::vector<FieldName> keys_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace

MadeFilter make_throttle(Settings& settings, const StageWorld& world) {
  ThrottleFilter::Options options;
  if (!settings.has("rate")) return settings.wrong("rate", "is missing: records in a window");
  options.rate = static_cast<double>(TRY(settings.number_or("rate", 1, {1, 1'000'000'000})));
  options.window = TRY(settings.duration_or("window", milliseconds(1000)));
  options.burst = static_cast<double>(TRY(
      settings.number_or("burst", static_cast<std::uint64_t>(options.rate), {1, 1'000'000'000})));
  options.max_keys = TRY(settings.number_or("max_keys", 10'000, {1, 10'000'000}));
  options.keys = TRY(read_fields(settings, "key", {}));
  return std::unique_ptr<Filter>(std::make_unique<ThrottleFilter>(world, std::move(options)));
}

MadeFilter make_dedupe(Settings& settings, const StageWorld& world) {
  auto keys = TRY(read_fields(settings, "key", {"@tag", "@line"}));
  const auto window = TRY(settings.duration_or("window", milliseconds(30'000)));
  const auto most = TRY(settings.number_or("max_keys", 100'000, {1, 10'000'000}));
  return std::unique_ptr<Filter>(
      std::make_unique<DedupeFilter>(world, std::move(keys), window, most));
}

MadeFilter make_sample(Settings& settings, const StageWorld& /*world*/) {
  if (!settings.has("rate")) return settings.wrong("rate", "is missing: one of so many is kept");
  const auto rate = TRY(settings.number_or("rate", 1, {1, 1'000'000'000}));
  auto keys = TRY(read_fields(settings, "key", {}));
  return std::unique_ptr<Filter>(std::make_unique<SampleFilter>(rate, std::move(keys)));
}

}  // namespace quern::logs
