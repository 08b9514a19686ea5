#include "pipeline/dead_letters.hpp"

#include "base/log.hpp"

#include <optional>
#include <utility>

namespace quern::pipeline {
namespace {
constexpr std::uint64_t kAroundFrame = 8;
}  // namespace

void DeadLetters::open_if_there() {
  const std::lock_guard lock(mutex_);
  if (!files_.exists(folder_)) return;
  if (const Result<> opened = open(); !opened)
    log::warn("pipeline", "dead letters: " + opened.error().describe());
}

void DeadLetters::close() {
  const std::lock_guard lock(mutex_);
  segments_.reset();
}

Result<> DeadLetters::open() {
  if (segments_) return {};
  segments_ = TRY(logs::Segments::open(files_, folder_, {.limit = limit_}));
  return {};
}

Result<> DeadLetters::put(const logs::Batch& batch) {
  const std::lock_guard lock(mutex_);
  TRY(open());
  for (const Buffer& frame : batch.frames(logs::kLargestFrame)) {
    Result<> put = segments_->append(frame);
    // Only our own bound pushes older ones out; a disk that is full of others' files keeps them.
    const auto full = [&] {
      return segments_->figures().held.count + frame.size() + kAroundFrame > limit_.count;
    };
    while (!put && put.error().kind() == ErrorKind::resource_exhausted && full()) {
      const std::optional<Buffer> oldest = TRY(segments_->next());
      if (!oldest) return put;
      if (const Result<logs::Batch> gone = logs::Batch::parse(*oldest); gone.ok())
        lost_ += gone->size();
      TRY(segments_->commit());
      put = segments_->append(frame);
    }
    if (!put) return put;
  }
  return segments_->sync();
}

// One that dies again goes into a new buffer, and not round and round.
Result<std::uint64_t> DeadLetters::replay(const TakeBatch& take) {
  std::optional<std::filesystem::path> aside;
  {
    const std::lock_guard lock(mutex_);
    if (!files_.exists(aside_of(folder_))) segments_.reset();
    aside = TRY(set_aside(files_, folder_));
  }
  if (!aside) return 0;
  return empty_aside(files_, *aside, take);
}

Bytes DeadLetters::held() const {
  const std::lock_guard lock(mutex_);
  return segments_ ? segments_->figures().held : Bytes{};
}

}  // namespace quern::pipeline
