#include "insight/learned.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace quern::insight {
namespace {

constexpr Bytes kLargestState = 1_GiB;
// Ids that are allowed beyond what a batch may need: the disk is waited for once in so many new
// templates, and at most so many are passed over after a crash.
constexpr std::uint64_t kIdsAhead = 1024;
constexpr std::uint64_t kMostNoted = (8_MiB).count;
constexpr std::chrono::milliseconds kFirstPause{1000};  // doubled with each error

}  // namespace

Result<Learned> Learned::open(Files& files, const std::filesystem::path& folder,
                              mining::MinerOptions options) {
  TRY(files.make_directories(folder, 0700));
  auto lock = TRY(files.try_lock(folder / "lock").context("taking " + folder.string()));
  std::filesystem::path file = folder / "templates";
  const Result<Buffer> saved = files.read(file, kLargestState);
  if (!saved.ok() && saved.error().kind() != ErrorKind::not_found) return fail(saved.error());
  if (!saved.ok()) return Learned(std::move(file), std::move(lock), mining::Miner(options));
  // Half a line at the end was on its way when the program was killed, and its id told to nobody.
  std::string_view text = as_text(*saved);
  if (const std::size_t end = text.rfind('\n'); end != std::string_view::npos) {
    text = text.substr(0, end + 1);
  }
  auto miner = TRY(mining::Miner::load(text, options)
                       .context("reading what was learned from " + file.string() +
                                "; without this file all is learned anew"));
  if (miner.unread() > 0) {
    log::warn("insight", file.string() + ": " + std::to_string(miner.unread()) +
                             " bytes at its end make no sense, as after a loss of power; what they "
                             "taught is learned anew, under new ids");
  }
  return Learned(std::move(file), std::move(lock), std::move(miner));
}

mining::Seen Learned::learn(std::string_view line) {
  changed_ = true;
  return miner_.learn(line);
}

template <class Use>
auto LearnedFile::ask(Use use) {
  std::optional<decltype(use(std::declval<Learned&>()))> answer;
  known_([&](Learned& learned) { answer.emplace(use(learned)); });
  return *std::move(answer);
}

void LearnedFile::reserve(std::size_t lines) {
  if (const Result<> reserved = try_reserve(lines); !reserved.ok()) tell(reserved.error());
}

void LearnedFile::note() {
  // What another took away may not be written yet.
  if (!ask([](Learned& l) { return l.noting_ || l.miner_.has_changes(); })) return;
  const Result<> noted = note(*open_.lock());
  if (!noted.ok()) tell(noted.error());
}

Result<bool> LearnedFile::save(When when, Clock::Time time, std::chrono::milliseconds every) {
  const auto open = open_.lock();
  if (open->failed && when == When::due && time < open->again) {
    return fail(ErrorKind::unavailable, "the templates are not saved");
  }
  Result<bool> saved = try_save(*open, when, time, every);
  if (!saved.ok()) {
    open->pause = std::min(every, std::max(kFirstPause, 2 * open->pause));
    open->again = time + open->pause;
    tell(saved.error());
  } else if (*saved) {
    open->pause = std::chrono::milliseconds(0);
    if (told_.exchange(false)) {
      log::info("insight", "templates of " + name_ + " are saved again");
    }
  }
  return saved;
}

void LearnedFile::tell(const Error& error) {
  ++unsaved_;
  if (told_.exchange(true)) return;
  log::warn("insight", "templates of " + name_ + " cannot be saved: " + error.describe() +
                           "; until they can, new ones soon get no id");
}

Result<> LearnedFile::try_reserve(std::size_t lines) {
  const auto enough = [&](Learned& l) { return l.end_ - l.miner_.next() >= lines; };
  if (ask(enough)) return {};
  const auto open = open_.lock();
  if (open->failed) return {};  // it was told
  const auto [has, wants] = ask([&](Learned& l) {
    const std::uint64_t end = l.miner_.next() + std::uint64_t{lines} + kIdsAhead;
    return std::pair(
        l.end_, static_cast<mining::TemplateId>(std::min<std::uint64_t>(end, mining::kLastId - 1)));
  });
  if (wants <= has || ask(enough)) return {};
  if (open->writer) {
    TRY(append(*open, "next " + std::to_string(wants) + "\n"));
    TRY(sync(*open));
  } else {
    TRY(write_whole(*open, When::due, wants));
  }
  known_([&](Learned& l) { l.miner_.allow(l.end_ = wants); });
  return {};
}

Result<> LearnedFile::note(Open& open) {
  if (open.failed || !ask([](Learned& l) { return l.miner_.has_changes(); })) return {};
  if (!open.writer) return write_whole(open, When::due, 0);
  const std::string text = ask([](Learned& l) {
    l.noting_ = true;
    return l.miner_.changes();
  });
  const Result<> written = append(open, text);
  known_([](Learned& l) { l.noting_ = false; });
  return written;
}

Result<bool> LearnedFile::try_save(Open& open, When when, Clock::Time time,
                                   std::chrono::milliseconds every) {
  const auto [changed, gives] =
      ask([](Learned& l) { return std::pair(l.changed_, l.end_ != l.miner_.next()); });
  const bool last = when == When::last;
  const bool due =
      last ? changed || gives : open.noted > kMostNoted || (changed && time >= open.saved + every);
  if (!due && !open.failed) return false;
  open.saved = time;
  TRY(write_whole(open, when, 0));
  return true;
}

Result<> LearnedFile::sync() {
  const auto open = open_.lock();
  TRY(note(*open));
  if (open->failed) return fail(ErrorKind::unavailable, "the templates are not saved");
  if (!open->unsynced) return {};
  return sync(*open);
}

Result<> LearnedFile::sync(Open& open) {
  Result<> synced = open.writer ? open.writer->sync() : Result<>();
  open.failed = !synced.ok();
  open.unsynced = !synced.ok();
  return synced;
}

// It allows ids up to `end`, and what it allowed before; the last none that was not given, so that
// whoever learns more reserves first.
Result<> LearnedFile::write_whole(Open& open, When when, mining::TemplateId end) {
  const auto [file, text] = ask([&](Learned& l) {
    l.end_ = when == When::last ? l.miner_.next() : l.end_;
    l.miner_.allow(std::max(end, l.end_));
    std::string all = l.miner_.save();
    l.miner_.allow(l.end_);
    l.noting_ = l.miner_.has_changes();
    (void)l.miner_.changes();  // they are in it
    l.changed_ = false;
    return std::pair(l.file_, std::move(all));
  });
  open.writer.reset();
  const Result<> written = files_.write(file, as_bytes(text));
  known_([&](Learned& l) {
    l.noting_ = false;
    l.changed_ = l.changed_ || !written.ok();
  });
  open.failed = !written.ok();
  TRY(written);
  open.noted = 0;
  open.unsynced = false;
  // Without a writer the next note is the whole file again.
  if (auto writer = files_.append(file); writer.ok()) open.writer = *std::move(writer);
  return {};
}

Result<> LearnedFile::append(Open& open, const std::string& text) {
  Result<> written = open.writer->write(as_bytes(text));
  if (written.ok()) {
    open.noted += text.size();
    open.unsynced = true;
    return written;
  }
  open.writer.reset();  // half a line may be there: nothing goes behind it
  open.failed = true;
  return written;
}

}  // namespace quern::insight
