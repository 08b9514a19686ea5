#include "base/fakes.hpp"

#include "inputs/tailer.hpp"
#include "inputs/test_support.hpp"
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

namespace quern::inputs {
namespace {

using namespace std::chrono_literals;
using test::append;
namespace fs = std::filesystem;

// Says at each settle that a filter holds some line, and what came after it.
class HoldingSink final : public test::MemorySink {
 public:
  HoldingSink(Clock& clock, std::mt19937& random) : clock_(clock), random_(random) {}
  Result<> accept(logs::Batch batch, const std::stop_token& stop) override {
    times_.resize(size());  // after a crash
    TRY(MemorySink::accept(std::move(batch), stop));
    times_.resize(size(), clock_.now());
    return {};
  }
  Result<Clock::Time> settle(Clock::Time now) override {
    const std::size_t held = kept() + random_() % (size() - kept() + 1);
    if (held == size()) {
      TRY(sync());
      return now;
    }
    const Clock::Time since = times_[held];
    TRY(keep_first(held));
    return since;
  }

 private:
  Clock& clock_;
  std::mt19937& random_;
  std::vector<Clock::Time> times_;
};

// Whatever writers, rotation, crashes and a failing sink do in whatever order: every line that was
// written is in the end in what the sink has synced.
class Scenario : public testing::Test {
 protected:
  Scenario() {
    options_.paths = {(folder_.path() / "*.log*").native()};
    options_.tag = "t";
    options_.lines.max_line = 1_MiB;
    options_.read_from_head = true;
    options_.commit_bytes = Bytes{2000};
    options_.positions = "state/positions";
  }

  void play(unsigned seed) {
    random_.seed(seed);
    for (const auto& entry : fs::directory_iterator(folder_.path())) fs::remove(entry.path());
    files_ = std::make_unique<FakeFiles>();
    sink_ = std::make_unique<HoldingSink>(clock_, random_);
    trouble_ = true;
    written_.clear();
    number_ = 0;
    sink_->on_accept = [this] { return maybe(5); };
    sink_->on_sync = [this] { return maybe(4); };
    restart();
    for (int i = 0; i < 40; ++i) act();
    trouble_ = false;
    files_->work_again();
    restart();
    for (int i = 0; i < 40; ++i) step();
    ASSERT_TRUE(tailer_->commit(*sink_).ok());
    std::set<std::string> kept;
    for (const std::string& line : sink_->lines()) kept.insert(line);
    for (const std::string& line : written_)
      ASSERT_TRUE(kept.contains(line)) << line << ", seed " << seed;
  }

 private:
  fs::path at(std::string_view name) const { return folder_.path() / name; }
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  Result<> maybe(unsigned one_in) {
    if (trouble_ && pick(one_in) == 0) return fail(ErrorKind::resource_exhausted, "as it happens");
    return {};
  }
  void restart() {
    auto made = Tailer::create(options_, *files_, clock_);
    ASSERT_TRUE(made.ok()) << made.error().describe();
    tailer_ = std::move(*made);
  }
  void step() {
    if (pick(3) == 0) clock_.advance(300ms);
    if (pick(9) == 0) clock_.advance(6s);
    if (!trouble_) clock_.advance(2s);
    (void)tailer_->step(*sink_, {});
    if (!tailer_->commit_is_due()) return;
    (void)(pick(4) == 0 ? tailer_->commit(*sink_) : tailer_->settle(*sink_));
  }
  std::string name() { return std::string(1, static_cast<char>('a' + pick(2))) + ".log"; }

  void act() {
    switch (pick(8)) {
      case 0:
      case 1:
      case 2: return write();
      case 3: return rename();
      case 4: return copy_and_truncate();
      case 5:
        sink_->crash();
        if (pick(2) == 0) files_->work_again();
        return restart();
      case 6:
        if (pick(4) == 0)
          files_->fail_at_change(1 + static_cast<int>(pick(3)),
                                 Error(ErrorKind::resource_exhausted, "full"));
        else
          files_->work_again();
        return step();
      default: return step();
    }
  }
  void write() {
    std::string text;
    for (unsigned i = pick(60); i > 0; --i) {
      written_.push_back("2026-11-23 the line of number " + std::to_string(number_++));
      text += written_.back() + "\n";
    }
    const fs::path path = at(name());
    // In two pieces: a line may be seen half.
    const std::size_t cut = text.empty() ? 0 : pick(static_cast<unsigned>(text.size()));
    append(path, std::string_view(text).substr(0, cut));
    if (pick(2) == 0) step();
    append(path, std::string_view(text).substr(cut));
  }
  std::string rotated(const std::string& from) { return from + "." + std::to_string(number_++); }
  void rename() {
    const std::string from = name();
    if (fs::exists(at(from))) fs::rename(at(from), at(rotated(from)));
  }
  void copy_and_truncate() {
    const std::string from = name();
    if (!fs::exists(at(from))) return;
    fs::copy_file(at(from), at(rotated(from)));
    if (pick(2) == 0) step();
    fs::resize_file(at(from), 0);
  }

  test::TempFolder folder_;
  ManualClock clock_;
  TailOptions options_;
  std::unique_ptr<Tailer> tailer_;
  std::mt19937 random_;
  std::unique_ptr<FakeFiles> files_;
  std::unique_ptr<HoldingSink> sink_;
  bool trouble_ = true;
  std::vector<std::string> written_;
  int number_ = 0;
};

TEST_F(Scenario, NoLineIsLost) {
  // QUERN_SCENARIOS=10000 plays as many.
  const char* const wanted = std::getenv("QUERN_SCENARIOS");  // NOLINT(concurrency-mt-unsafe)
  const int count = wanted == nullptr ? 300 : std::atoi(wanted);
  for (int seed = 0; seed < count; ++seed) {
    play(static_cast<unsigned>(seed));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace quern::inputs
