// What catalog's tests share: zips made by hand, an index and a hub in a fake network, a clock
// that does not make tests wait.
#pragma once

#include "base/fakes.hpp"
#include "base/sha256.hpp"

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

namespace quern::catalog::test {

// Time passes by being looked at; sleeping costs none.
class EagerClock final : public Clock {
 public:
  Time now() const override { return Time(std::chrono::milliseconds(passed_ += 20)); }
  std::chrono::system_clock::time_point date() const override {
    return std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000));
  }
  Result<> sleep(std::chrono::milliseconds time, std::stop_token stop) override {
    passed_ += time.count();
    if (stop.stop_requested()) return fail(ErrorKind::cancelled, "cancelled");
    return {};
  }

 private:
  mutable std::atomic<std::int64_t> passed_{1'000'000};
};

struct ZipFile {
  std::string name;
  std::string content;
  bool deflated = true;
};
// A well-formed zip; the hostile tests damage it.
std::string make_zip(const std::vector<ZipFile>& files);

// Bytes that begin like a GGUF and neither repeat nor compress to nothing.
std::string make_gguf(std::size_t size, std::uint32_t seed = 1);

inline std::string digest(std::string_view text) { return sha256(as_bytes(text)); }

// The catalog's smallest entry, as the index of a fake network would serve it, needs 98 MB; so
// tests use references. This page offers `wheel` as PACKAGE 1.0 at https://index.test/simple.
struct FakeIndex {
  static constexpr std::string_view kAddress = "https://index.test/simple";
  static void offer(FakeNetwork& network, const std::string& package, const std::string& wheel);
  static std::string wheel_url(const std::string& package);
};

// A hub at https://hub.test with one repository "o/r" that has this file.
struct FakeHub {
  static constexpr std::string_view kAddress = "https://hub.test";
  static void offer(FakeNetwork& network, const std::string& file, const std::string& content,
                    const std::string& claimed_digest = {});
  static std::string file_url(const std::string& file);
};

}  // namespace quern::catalog::test
