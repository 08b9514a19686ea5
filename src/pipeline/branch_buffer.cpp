#include "pipeline/branch_buffer.hpp"

#include "base/log.hpp"
#include "base/stop.hpp"

#include "logs/segments.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace quern::pipeline {
namespace {

using logs::Batch;
using logs::Segments;
using namespace std::chrono_literals;

Failure closed() { return fail(ErrorKind::unavailable, "the output is being taken away"); }

// Batches as frames in segments. A sync serves everybody who waits for one.
class DiskBuffer final : public BranchBuffer {
 public:
  DiskBuffer(std::unique_ptr<Segments> segments, WhenFull when_full)
      : segments_(std::move(segments)), when_full_(when_full) {}

  Result<std::uint64_t> put(const SharedBatch& batch, const std::stop_token& stop) override {
    std::uint64_t dropped = 0;
    for (const Buffer& frame : batch->frames(logs::kLargestFrame)) {
      if (TRY(put_frame(frame, stop))) continue;
      const Result<Batch> rest = Batch::parse(frame);
      dropped += rest.ok() ? rest->size() : 1;
    }
    return dropped;
  }

  Result<> sync() override {
    const std::lock_guard lock(mutex_);
    if (!segments_) return last_;
    if (synced_ < appended_) {
      // Under the lock: who comes meanwhile is served by the next sync, together.
      const Result<> synced = segments_->sync();
      synced_ = appended_;
      if (!synced) why_lost_ = synced.error();
    }
    return tell_losses();
  }

  Result<SharedBatch> take(Deadline deadline, const std::stop_token& stop) override {
    while (true) {
      const std::uint64_t before = [this] {
        const std::lock_guard lock(mutex_);
        return appended_;
      }();
      if (const std::optional<Buffer> frame = TRY(segments_->next())) {
        Result<Batch> batch = Batch::parse(*frame);
        // Its checksum was right: another version of this program wrote it.
        if (!batch) return fail(std::move(batch).error());
        return std::make_shared<const Batch>(*std::move(batch));
      }
      std::unique_lock lock(mutex_);
      empty_ = appended_ == before;
      const Result<> more =
          wait_until(changed_, lock, deadline, stop, [&] { return appended_ != before; });
      if (more.ok()) continue;
      if (more.error().kind() == ErrorKind::deadline_exceeded) return SharedBatch();
      return fail(more.error());
    }
  }

  // What is not forgotten comes again.
  void untake(SharedBatch /*batch*/) override {}

  Result<> forget() override {
    TRY(segments_->commit());
    {
      const std::lock_guard lock(mutex_);
      ++freed_;
    }
    changed_.notify_all();
    return {};
  }

  bool drained() const override {
    const std::lock_guard lock(mutex_);
    return empty_;
  }
  BufferFigures figures() const override {
    const std::lock_guard lock(mutex_);
    if (!segments_) return {};
    const logs::SegmentFigures figures = segments_->figures();
    return {.held = figures.held, .torn = figures.torn};
  }
  void close() override {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }
  void release() override {
    const std::lock_guard lock(mutex_);
    last_ = segments_->sync();
    if (!last_)
      log::error("pipeline", "a buffer could not be written: " + last_.error().describe());
    segments_.reset();
  }

 private:
  // What could not be synced may be anybody's, also of a thread for which a filter's gave it: every
  // thread hears of each loss that the segments count, at its next sync. One that is new here hears
  // of older ones, too, and gives its records once more.
  Result<> tell_losses() {
    const std::uint64_t losses = segments_->figures().losses;
    if (losses == 0) return {};
    constexpr std::size_t kMostThreads = 4096;
    if (told_.size() > kMostThreads) told_.clear();
    std::uint64_t& told = told_[std::this_thread::get_id()];
    if (std::exchange(told, losses) == losses) return {};
    return fail(why_lost_);
  }

  // False: there was no room, and none is waited for.
  Result<bool> put_frame(ByteView frame, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (true) {
      if (closed_) return closed();
      empty_ = false;
      const Result<> appended = segments_->append(frame);
      if (appended.ok()) break;
      if (appended.error().kind() != ErrorKind::resource_exhausted) return fail(appended.error());
      if (when_full_ == WhenFull::drop) return false;
      const std::uint64_t before = freed_;
      // The disk may get room without our doing, so look again now and then.
      const Result<> room = wait_until(changed_, lock, Deadline::in(1s), stop,
                                       [&] { return closed_ || freed_ != before; });
      if (!room && room.error().kind() == ErrorKind::cancelled) return fail(room.error());
    }
    ++appended_;
    lock.unlock();
    changed_.notify_all();
    return true;
  }

  std::unique_ptr<Segments> segments_;
  const WhenFull when_full_;
  mutable std::mutex mutex_;  // appends and syncs are of one thread at a time
  Result<> last_;             // how the sync of release() ended
  Error why_lost_{ErrorKind::internal, "what a buffer held could not be written"};  // the last time
  std::map<std::thread::id, std::uint64_t> told_;  // of SegmentFigures::losses, who heard of what
  std::condition_variable_any changed_;
  std::uint64_t appended_ = 0;
  std::uint64_t synced_ = 0;
  std::uint64_t freed_ = 0;
  bool closed_ = false;
  bool empty_ = false;
};

// Batches as they are; what finds no room waits, is dropped, or goes to the disk, and then all that
// comes after it until the disk is read empty.
class MemoryBuffer final : public BranchBuffer {
 public:
  MemoryBuffer(Bytes limit, WhenFull when_full, std::unique_ptr<DiskBuffer> spill)
      : limit_(limit),
        when_full_(when_full),
        spill_(std::move(spill)),
        spilling_(spill_ != nullptr) {}

  Result<std::uint64_t> put(const SharedBatch& batch, const std::stop_token& stop) override {
    const Bytes cost = batch->bytes();
    std::unique_lock lock(mutex_);
    const auto fits = [&] { return batches_.empty() || held_ + cost.count <= limit_.count; };
    if (closed_) return closed();
    empty_ = false;
    if (spilling_ || (when_full_ == WhenFull::spill && !fits())) {
      spilling_ = true;
      ++on_their_way_;
      lock.unlock();
      changed_.notify_all();
      const Result<std::uint64_t> spilled = spill_->put(batch, stop);
      lock.lock();
      --on_their_way_;
      return spilled;
    }
    if (!fits()) {
      if (when_full_ == WhenFull::drop) return batch->size();
      TRY(wait_until(changed_, lock, Deadline::never(), stop, [&] { return closed_ || fits(); }));
      if (closed_) return closed();
    }
    batches_.push_back(batch);
    held_ += cost.count;
    lock.unlock();
    changed_.notify_all();
    return 0;
  }

  Result<> sync() override { return spill_ ? spill_->sync() : Result<>(); }

  Result<SharedBatch> take(Deadline deadline, const std::stop_token& stop) override {
    while (true) {
      std::unique_lock lock(mutex_);
      empty_ = batches_.empty() && !spilling_;
      const Result<> some = wait_until(changed_, lock, deadline, stop,
                                       [&] { return !batches_.empty() || spilling_; });
      if (!some) {
        if (some.error().kind() == ErrorKind::deadline_exceeded) return SharedBatch();
        return fail(some.error());
      }
      if (!batches_.empty()) return front(lock);
      lock.unlock();
      if (SharedBatch batch = TRY(spill_->take(Deadline::in(kLook).earlier(deadline), stop)))
        return batch;
      lock.lock();
      if (on_their_way_ == 0 && spill_->drained()) spilling_ = false;
      if (deadline.passed()) return SharedBatch();
    }
  }

  void untake(SharedBatch batch) override {
    {
      const std::lock_guard lock(mutex_);
      held_ += batch->bytes().count;
      batches_.push_front(std::move(batch));
    }
    changed_.notify_all();
  }

  Result<> forget() override { return spill_ ? spill_->forget() : Result<>(); }
  bool drained() const override {
    const std::lock_guard lock(mutex_);
    return empty_;
  }
  BufferFigures figures() const override {
    BufferFigures figures = spill_ ? spill_->figures() : BufferFigures{};
    const std::lock_guard lock(mutex_);
    figures.held.count += held_;
    return figures;
  }
  void close() override {
    if (spill_) spill_->close();
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }
  void release() override {
    if (spill_) spill_->release();
  }

 private:
  // How long to look at a disk from which nothing comes before asking again whether more will.
  static constexpr auto kLook = 20ms;

  SharedBatch front(std::unique_lock<std::mutex>& lock) {
    SharedBatch batch = std::move(batches_.front());
    batches_.pop_front();
    held_ -= batch->bytes().count;
    lock.unlock();
    changed_.notify_all();
    return batch;
  }

  const Bytes limit_;
  const WhenFull when_full_;
  const std::unique_ptr<DiskBuffer> spill_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<SharedBatch> batches_;
  std::uint64_t held_ = 0;
  bool spilling_;         // from the start, too: an earlier run may have left something there
  int on_their_way_ = 0;  // to the disk
  bool empty_ = false;
  bool closed_ = false;
};

// In the place of one that could not be opened: nothing is taken, and nobody is told that it was.
class BrokenBuffer final : public BranchBuffer {
 public:
  explicit BrokenBuffer(Error why) : why_(std::move(why)) {}
  Result<std::uint64_t> put(const SharedBatch&, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    return closed_ ? closed() : fail(ErrorKind::internal, why_.describe());
  }
  Result<> sync() override { return fail(ErrorKind::internal, why_.describe()); }
  Result<SharedBatch> take(Deadline deadline, const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    const Result<> never = wait_until(changed_, lock, deadline, stop, [] { return false; });
    if (never.error().kind() == ErrorKind::deadline_exceeded) return SharedBatch();
    return fail(never.error());
  }
  void untake(SharedBatch) override {}
  Result<> forget() override { return {}; }
  bool drained() const override { return true; }
  BufferFigures figures() const override { return {}; }
  void close() override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void release() override {}

 private:
  const Error why_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool closed_ = false;
};

}  // namespace

std::unique_ptr<BranchBuffer> make_broken_buffer(Error why) {
  return std::make_unique<BrokenBuffer>(std::move(why));
}

Result<std::unique_ptr<BranchBuffer>> open_buffer(const OutputPlan& plan, Files& files,
                                                  const std::filesystem::path& folder) {
  std::unique_ptr<BranchBuffer> buffer;
  if (plan.buffering == Buffering::disk) {
    auto segments = TRY(Segments::open(files, folder, {.limit = plan.limit}));
    buffer = std::make_unique<DiskBuffer>(std::move(segments), plan.when_full);
    return buffer;
  }
  std::unique_ptr<DiskBuffer> spill;
  if (plan.when_full == WhenFull::spill) {
    auto segments = TRY(Segments::open(files, folder, {.limit = plan.spill_limit}));
    // Full again: a spill that is full blocks.
    spill = std::make_unique<DiskBuffer>(std::move(segments), WhenFull::block);
  }
  buffer = std::make_unique<MemoryBuffer>(plan.limit, plan.when_full, std::move(spill));
  return buffer;
}

}  // namespace quern::pipeline
