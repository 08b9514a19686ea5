#include "inputs/tailer.hpp"

#include "base/log.hpp"

#include "inputs/now.hpp"
#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace quern::inputs {
namespace {

namespace fs = std::filesystem;

// Known files, there or gone; the oldest of those that are gone are forgotten beyond.
constexpr std::size_t kMostKnown = 10'000;
constexpr std::size_t kMostFormers = 256;
constexpr std::size_t kMostNames = 100'000;
constexpr std::size_t kMostComplaints = 1000;
// How far back from the end of a file its last line may begin.
constexpr std::uint64_t kLastLine = 64 * 1024;
// A file may be closed for another one when it gave nothing for so long.
constexpr std::chrono::seconds kIdle(5);

bool is_gzip(std::string_view name) { return name.ends_with(".gz"); }

std::int64_t seconds_of(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.date().time_since_epoch()).count();
}

Result<Place> place_at(TailSource& source, std::uint64_t offset) {
  Buffer print(static_cast<std::size_t>(std::min<std::uint64_t>(offset, kPrintSize)));
  const std::size_t got = TRY(source.read(offset - print.size(), print));
  if (got < print.size()) return Place{};
  return Place{.offset = offset,
               .print_size = static_cast<std::uint32_t>(print.size()),
               .print = fingerprint(print)};
}

// Behind the last line end; a line that is being written is given whole.
Result<Place> place_at_end(TailSource& source) {
  const std::uint64_t size = source.state().size;
  const std::uint64_t from = size - std::min(size, kLastLine);
  Buffer tail(static_cast<std::size_t>(size - from));
  tail.resize(TRY(source.read(from, tail)));
  const std::size_t end = as_text(tail).rfind('\n');
  return place_at(source, end == std::string_view::npos ? size : from + end + 1);
}

// Does a rotated copy of `path` have this name? "app.log.1" and "app.log-2026" of "app.log".
bool could_be_copy(const std::string& name, const std::string& path) {
  return is_gzip(name) || (name.size() > path.size() && name.starts_with(path));
}

}  // namespace

Result<std::unique_ptr<Tailer>> Tailer::create(TailOptions options, Files& files, Clock& clock) {
  auto kept = TRY(load_positions(files, options.positions));
  std::unique_ptr<Tailer> tailer(new Tailer(std::move(options), files, clock));
  if (kept) tailer->restore(*std::move(kept));
  return tailer;
}

Tailer::Tailer(TailOptions options, Files& files, Clock& clock)
    : options_(std::move(options)), files_(files), clock_(clock), last_commit_(clock.now()) {}

void Tailer::restore(std::vector<KeptPosition> positions) {
  first_start_ = false;
  restored_ = true;
  for (KeptPosition& kept : positions) {
    TailedFile file(kept.id, kept.path, tag_for(kept.path), kept.place);
    file.set_head(kept.head);
    known_.emplace(kept.id, Followed{.file = std::move(file),
                                     .seen = false,
                                     .seen_date = kept.seen,
                                     .closed_size = kept.closed_size,
                                     .closed_modified = kept.closed_modified});
  }
}

// ---- finding

void Tailer::look_for_files() {
  for (auto& [id, followed] : known_) followed.seen = false;
  figures_.waiting = figures_.unreadable = 0;
  for (const std::string& name : names()) look_at_name(name);
  if (std::exchange(restored_, false)) find_moved();
  notice_gone();
  forget_surplus();
  // Where there was nothing to read, a restart knows all the same that it is one.
  first_start_ = false;
}

std::vector<std::string> Tailer::names() const {
  std::set<std::string> found;
  for (const std::string& pattern : options_.paths) {
    glob_t matches{};
    ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &matches);
    for (std::size_t i = 0; i < matches.gl_pathc && found.size() < kMostNames; ++i)
      found.emplace(matches.gl_pathv[i]);
    ::globfree(&matches);
  }
  std::erase_if(found, [&](const std::string& name) {
    if (is_gzip(name) && !options_.gzip) return true;
    const std::string leaf = fs::path(name).filename();
    return std::any_of(options_.exclude.begin(), options_.exclude.end(), [&](const auto& pattern) {
      return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
             ::fnmatch(pattern.c_str(), leaf.c_str(), 0) == 0;
    });
  });
  return {found.begin(), found.end()};
}

void Tailer::look_at_name(const std::string& name) {
  const std::optional<FileState> state = look_at(name);
  if (!state) return;  // gone meanwhile, or a folder
  // What is being packed has no end yet.
  if (is_gzip(name) && !is_older(*state, options_.rotate_wait)) return;
  const auto found = known_.find(state->id);
  if (found == known_.end()) return discover(name, *state);
  Followed& followed = found->second;
  followed.seen = true;
  followed.seen_date = seconds_of(clock_);
  if (!followed.file.is_open()) reopen(followed, name, *state);
}

bool Tailer::is_older(const FileState& state, std::chrono::milliseconds age) const {
  const auto since = clock_.date().time_since_epoch() - age;
  return state.modified_ns < std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

bool Tailer::is_too_old(const FileState& state) const {
  return options_.ignore_older.count() != 0 && is_older(state, options_.ignore_older);
}

Result<std::unique_ptr<TailSource>> Tailer::open_source(const std::string& name) {
  auto source = is_gzip(name) ? open_gzip(name) : open_plain(name);
  if (!source.ok()) complain(name, source.error());
  return source;
}

void Tailer::discover(const std::string& name, const FileState& state) {
  const bool old = is_too_old(state) || (is_gzip(name) && from_now_on());
  // An old file is looked at all the same: where it begins must be known when it grows.
  if (!old && !make_room()) return;
  auto source = open_source(name);
  if (!source.ok() || (*source)->state().id != state.id) return;
  const Result<Place> begin = begin_of(**source, name);
  if (!begin.ok()) return complain(name, begin.error());
  Followed& followed =
      known_
          .emplace(state.id, Followed{.file = TailedFile(state.id, name, tag_for(name), *begin),
                                      .last_line = clock_.now(),
                                      .seen_date = seconds_of(clock_)})
          .first->second;
  found_ = true;
  if (old) {
    followed.closed_size = state.size;
    followed.closed_modified = state.modified_ns;
  } else {
    followed.file.open(std::move(*source));
    open_.insert(state.id);
    ++openings_;
  }
}

void Tailer::reopen(Followed& followed, const std::string& name, const FileState& state) {
  if (state.size == followed.closed_size && state.modified_ns == followed.closed_modified) return;
  if (is_too_old(state) || !make_room()) return;
  auto source = open_source(name);
  if (!source.ok() || (*source)->state().id != state.id) return;
  if (is_another(followed.file, name, **source)) {
    const TailedFile& old = followed.file;
    if (old.head() != 0) remember({.head = old.head(), .kept = old.kept_place()}, old.path());
    known_.erase(state.id);
    return discover(name, state);
  }
  followed.file.open(std::move(*source));
  followed.last_line = clock_.now();
  open_.insert(state.id);
  ++openings_;
}

// The system gives the number of a file that is gone to the next one.
bool Tailer::is_another(const TailedFile& file, const std::string& name, TailSource& source) {
  const Place& kept = file.kept_place();
  // Nothing of it was read that would tell; its new name may.
  if (kept.offset == 0) return file.path() != name && !could_be_copy(name, file.path().native());
  if (is_gzip(name)) return file.path() != name;
  const Result<Place> now = place_at(source, kept.offset);
  return now.ok() && (now->offset != kept.offset || now->print != kept.print);
}

void Tailer::remember(TailedFile::Former former, const std::filesystem::path& path) {
  formers_.push_back({former, path.native()});
  if (formers_.size() > kMostFormers) formers_.pop_front();
}

Result<Place> Tailer::begin_of(TailSource& source, const std::string& name) {
  if (const auto copy = place_of_copy(source, name)) {
    ++figures_.copies;
    return *copy;
  }
  if (!from_now_on()) return Place{};
  if (!is_gzip(name)) return place_at_end(source);
  // What was packed before the first start is over.
  return Place{.offset = std::numeric_limits<std::int64_t>::max()};
}

// What is there already is not read.
bool Tailer::from_now_on() const { return first_start_ && !options_.read_from_head; }

// Whoever rotates by copying, or packs, makes a new file of what was read already.
std::optional<Place> Tailer::place_of_copy(TailSource& source, const std::string& name) {
  std::array<std::byte, kHeadSize> bytes{};
  const Result<std::size_t> got = source.read(0, bytes);
  if (!got.ok() || *got < kHeadSize) return std::nullopt;
  const std::uint64_t head = fingerprint(bytes);
  std::optional<Place> best;
  const auto consider = [&](std::uint64_t other, const Place& kept, const std::string& path) {
    if (other != head || !could_be_copy(name, path)) return;
    if (best && best->offset >= kept.offset) return;
    const Result<Place> same = place_at(source, kept.offset);
    if (same.ok() && same->offset == kept.offset && same->print == kept.print) best = kept;
  };
  for (const FormerFile& file : formers_) consider(file.former.head, file.former.kept, file.path);
  for (const auto& [id, followed] : known_)
    consider(followed.file.head(), followed.file.kept_place(), followed.file.path().native());
  if (best) best->writing = 0;
  return best;
}

// What was renamed while nobody followed it, and has a name now that no pattern finds.
void Tailer::find_moved() {
  std::set<fs::path> folders;
  for (const auto& [id, followed] : known_) {
    if (!followed.seen) folders.insert(followed.file.path().parent_path());
  }
  for (const fs::path& folder : folders) {
    std::error_code ec;
    std::size_t names = 0;
    for (const auto& entry : fs::directory_iterator(folder, ec)) {
      if (++names > kMostNames) break;
      const std::optional<FileState> state = look_at(entry.path());
      if (!state || is_gzip(entry.path().native())) continue;
      const auto found = known_.find(state->id);
      if (found == known_.end() || found->second.seen || found->second.file.is_open()) continue;
      auto source = open_source(entry.path());
      // Its name is none that we were asked for: it must be the file itself.
      if (source.ok() && !is_another(found->second.file, entry.path(), **source))
        reopen(found->second, entry.path(), *state);
    }
  }
}

void Tailer::notice_gone() {
  const Clock::Time now = clock_.now();
  for (auto& [id, followed] : known_) {
    if (followed.seen) {
      followed.gone_since = {};
    } else if (followed.gone_since == Clock::Time{}) {
      followed.gone_since = now;
      if (followed.file.is_open()) ++figures_.rotated;
    }
  }
}

void Tailer::forget_surplus() {
  while (known_.size() > kMostKnown) {
    auto oldest = known_.end();
    for (auto at = known_.begin(); at != known_.end(); ++at) {
      if (at->second.seen || at->second.file.is_open()) continue;
      if (oldest == known_.end() || at->second.seen_date < oldest->second.seen_date) oldest = at;
    }
    if (oldest == known_.end()) return;
    known_.erase(oldest);
  }
}

// Room for one more open file; false: there is none, and it waits.
bool Tailer::make_room() {
  if (open_.size() < options_.max_files) return true;
  const Clock::Time now = clock_.now();
  Followed* idle = nullptr;
  for (const FileId& id : open_) {
    Followed& followed = known_.at(id);
    const bool gone = followed.gone_since != Clock::Time{};
    if (gone || !followed.file.all_kept() || now - followed.last_line < kIdle) continue;
    if (idle == nullptr || followed.last_line < idle->last_line) idle = &followed;
  }
  if (idle == nullptr) {
    ++figures_.waiting;
    return false;
  }
  close(*idle);
  return true;
}

void Tailer::close(Followed& followed) {
  const FileState state = followed.file.source()->state();
  followed.closed_size = state.size;
  followed.closed_modified = state.modified_ns;
  followed.file.close();
  open_.erase(followed.file.id());
  ++openings_;
  changed_ = true;
}

// ---- reading

Result<bool> Tailer::step(logs::Sink& sink, const std::stop_token& stop) {
  const Clock::Time now = clock_.now();
  if (now >= next_look_) {
    look_for_files();
    next_look_ = now + options_.refresh_interval;
  }
  // Before a line of it is given: what is not known by its number cannot be found again once it is
  // renamed.
  if (found_) TRY(save());
  logs::Batch batch;
  const bool more = TRY(read_files(batch));
  const std::uint64_t bytes = batch.bytes().count;
  // Without a record, what was read were empty lines, or the rest of a long one.
  const Result<> taken = batch.empty() ? Result<>() : sink.accept(std::move(batch), stop);
  for (const FileId& id : open_) {
    TailedFile& file = known_.at(id).file;
    taken.ok() ? file.taken(clock_.now()) : file.back_to_taken();
  }
  if (!taken.ok()) return fail(taken.error());
  given_ += bytes;
  return more;
}

// In turns: whoever fills a batch is the last to come the next time.
Result<bool> Tailer::read_files(logs::Batch& batch) {
  const std::vector<FileId> all(open_.begin(), open_.end());
  const auto middle = std::upper_bound(all.begin(), all.end(), last_);
  std::vector<FileId> order(middle, all.end());
  order.insert(order.end(), all.begin(), middle);
  for (const FileId& id : order) {
    Followed& followed = known_.at(id);
    while (!batch.full() && read_one(followed, batch)) {
    }
    if (const auto former = followed.file.take_former()) remember(*former, followed.file.path());
    if (batch.full()) {
      last_ = id;
      return true;
    }
  }
  return false;
}

bool Tailer::read_one(Followed& followed, logs::Batch& batch) {
  using Progress = TailedFile::Progress;
  const logs::EventTime now = event_time(clock_);
  TailedFile& file = followed.file;
  const bool over = is_over(followed);
  Result<Progress> progress = file.read(scratch_, batch, now, options_.lines, figures_.lines);
  if (progress.ok() && *progress == Progress::nothing && over)
    progress = file.read_rest(scratch_, batch, now, options_.lines, figures_.lines);
  if (!progress.ok()) {
    complain(file.path(), progress.error());
    if (file.all_kept()) close(followed);
    return false;
  }
  if (*progress == Progress::some) {
    changed_ = true;
    if (!over) followed.last_line = clock_.now();
    return true;
  }
  const bool stale = followed.seen && is_too_old(file.source()->state());
  if ((over || stale) && file.all_kept()) close(followed);
  return false;
}

// Nobody will write to it any more.
bool Tailer::is_over(const Followed& followed) const {
  if (followed.file.source()->complete()) return true;
  if (followed.gone_since == Clock::Time{}) return false;
  return clock_.now() - std::max(followed.gone_since, followed.last_line) >= options_.rotate_wait;
}

// ---- keeping

bool Tailer::commit_is_due() const {
  if (!changed_) return false;
  return given_ >= options_.commit_bytes.count ||
         clock_.now() - last_commit_ >= options_.commit_interval;
}

Result<> Tailer::settle(logs::Sink& sink) {
  last_commit_ = clock_.now();
  if (!changed_) return {};
  return keep(sink.settle(last_commit_));
}

Result<> Tailer::commit(logs::Sink& sink) {
  last_commit_ = clock_.now();
  if (!changed_) return {};
  const Result<> synced = sink.sync();
  return keep(synced.ok() ? Result<Clock::Time>(Clock::Time::max()) : fail(synced.error()));
}

// `settled`: what was given before it is on the disk; max(): all.
Result<> Tailer::keep(const Result<Clock::Time>& settled) {
  bool all = true;
  for (auto& [id, followed] : known_) {
    TailedFile& file = followed.file;
    if (!settled.ok()) {
      file.back_to_kept();
    } else if (*settled == Clock::Time::max()) {
      file.kept();
    } else {
      file.kept_before(*settled);
    }
    all = all && file.all_kept();
  }
  given_ = 0;
  if (!settled.ok()) return fail(settled.error());
  TRY(save());
  changed_ = !all;
  ++figures_.commits;
  return {};
}

Result<> Tailer::save() {
  std::vector<KeptPosition> positions;
  for (const auto& [id, followed] : known_) {
    positions.push_back({.id = id,
                         .place = followed.file.kept_place(),
                         .head = followed.file.head(),
                         .seen = followed.seen_date,
                         .closed_size = followed.closed_size,
                         .closed_modified = followed.closed_modified,
                         .path = followed.file.path()});
  }
  TRY(save_positions(files_, options_.positions, positions));
  found_ = false;
  return {};
}

void Tailer::complain(const std::string& name, const Error& error) {
  ++figures_.unreadable;
  if (complained_.size() >= kMostComplaints || !complained_.insert(name).second) return;
  log::warn("inputs", "tail: " + error.describe());
}

TailFigures Tailer::figures() const {
  TailFigures figures = figures_;
  figures.open = static_cast<std::uint32_t>(open_.size());
  return figures;
}

std::vector<std::string> Tailer::open_names() const {
  std::vector<std::string> names;
  for (const FileId& id : open_) {
    const Followed& followed = known_.at(id);
    if (followed.gone_since == Clock::Time{}) names.push_back(followed.file.path());
  }
  return names;
}

std::string Tailer::tag_for(const std::string& path) const {
  const std::size_t star = options_.tag.find('*');
  if (star == std::string::npos) return options_.tag;
  std::string dotted = path.substr(std::min(path.find_first_not_of('/'), path.size()));
  std::replace(dotted.begin(), dotted.end(), '/', '.');
  std::string tag = options_.tag;
  tag.replace(star, 1, dotted);
  tag.resize(std::min(tag.size(), logs::kLongestTag));
  return tag;
}

}  // namespace quern::inputs
