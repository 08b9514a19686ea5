#include "pipeline/dead_letters.hpp"

#include "base/log.hpp"

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

// Letters are set aside first: one that dies again goes into a new buffer, and not round and round.
// A replay that was broken off left them there, and the next one begins with them.
Result<std::uint64_t> DeadLetters::replay(const Take& take) {
  const std::filesystem::path aside = folder_.string() + ".replay";
  {
    const std::lock_guard lock(mutex_);
    if (!files_.exists(aside)) {
      if (!files_.exists(folder_)) return 0;
      segments_.reset();
      TRY(files_.rename(folder_, aside));
    }
  }
  auto letters = TRY(logs::Segments::open(files_, aside, {.limit = limit_}));
  std::uint64_t records = 0;
  while (const std::optional<Buffer> frame = TRY(letters->next())) {
    logs::Batch batch = TRY(logs::Batch::parse(*frame));
    const std::size_t size = batch.size();
    TRY(take(std::move(batch)));
    TRY(letters->commit());
    records += size;
  }
  letters.reset();
  for (const std::string& name : TRY(files_.list(aside))) TRY(files_.remove(aside / name));
  TRY(files_.remove(aside));
  return records;
}

Bytes DeadLetters::held() const {
  const std::lock_guard lock(mutex_);
  return segments_ ? segments_->figures().held : Bytes{};
}

}  // namespace quern::pipeline
