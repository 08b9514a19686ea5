// Follows files: finds them by their names, through rotation, truncation and packing, and gives
// their lines to a sink. All that time does is a step; tests take them one by one.
#pragma once

#include "base/clock.hpp"
#include "base/files.hpp"

#include "inputs/tail_positions.hpp"
#include "inputs/tailed_file.hpp"
#include "logs/stage.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace quern::inputs {

struct TailOptions {
  std::vector<std::string> paths;    // patterns of glob(7), absolute
  std::vector<std::string> exclude;  // patterns; of the whole path, or of the name in its folder
  std::string tag;                   // "*" is replaced by the path, its slashes by dots
  LineOptions lines;
  // A file that is there at the very first start: from its beginning, or from its end.
  bool read_from_head = false;
  bool gzip = false;                                 // read files that end in .gz, once
  std::chrono::milliseconds refresh_interval{1000};  // between two looks for files
  std::chrono::milliseconds rotate_wait{5000};       // for writers of a file whose name is gone
  std::chrono::milliseconds ignore_older{0};         // 0: no file is too old
  std::uint32_t max_files = 1024;                    // open at a time; others wait, and are counted
  std::chrono::milliseconds commit_interval{1000};
  Bytes commit_bytes = 64_MiB;  // a commit is due as soon as so much was given
  std::filesystem::path positions;
};

struct TailFigures {
  LineCounts lines;
  std::uint32_t open = 0;
  std::uint32_t waiting = 0;     // for others to be closed
  std::uint32_t unreadable = 0;  // at the last look
  std::uint64_t rotated = 0;
  std::uint64_t copies = 0;  // files that held what was read under another name already
  std::uint64_t commits = 0;
};

// Of one thread.
class Tailer {
 public:
  // Reads the positions that were kept.
  static Result<std::unique_ptr<Tailer>> create(TailOptions options, Files& files, Clock& clock);

  // Looks for files when it is time to, and gives at most one batch. True: there may be more at
  // once. The sink's error: what it did not take is read again.
  Result<bool> step(logs::Sink& sink, const std::stop_token& stop);
  bool commit_is_due() const;
  // Keeps where that ends of what was given which the sink has on the disk, and waits for nothing
  // that filters hold: it is kept by a later one. When it fails, all that is not kept is read
  // again.
  Result<> settle(logs::Sink& sink);
  // Keeps where all that was given ends, once the sink has it on the disk.
  Result<> commit(logs::Sink& sink);

  TailFigures figures() const;
  // Counts up when files are opened or closed; and the names of those that are open and have one.
  std::uint64_t openings() const { return openings_; }
  std::vector<std::string> open_names() const;

 private:
  struct Followed {
    TailedFile file;
    bool seen = true;  // at the last look
    Clock::Time gone_since{};
    Clock::Time last_line{};
    std::int64_t seen_date = 0;
    std::uint64_t closed_size = 0;  // as it was when it was closed
    std::int64_t closed_modified = -1;
  };
  using Known = std::map<FileId, Followed>;

  Tailer(TailOptions options, Files& files, Clock& clock);
  void restore(std::vector<KeptPosition> positions);

  void look_for_files();
  std::vector<std::string> names() const;
  void look_at_name(const std::string& name);
  void discover(const std::string& name, const FileState& state);
  void reopen(Followed& followed, const std::string& name, const FileState& state);
  Result<std::unique_ptr<TailSource>> open_source(const std::string& name);
  void find_moved();
  void notice_gone();
  void forget_surplus();
  bool make_room();
  bool is_older(const FileState& state, std::chrono::milliseconds age) const;
  bool is_too_old(const FileState& state) const;
  bool from_now_on() const;
  static bool is_another(const TailedFile& file, const std::string& name, TailSource& source);
  void remember(TailedFile::Former former, const std::filesystem::path& path);
  Result<Place> begin_of(TailSource& source, const std::string& name);
  std::optional<Place> place_of_copy(TailSource& source, const std::string& name);

  Result<bool> read_files(logs::Batch& batch);
  bool read_one(Followed& followed, logs::Batch& batch);
  bool is_over(const Followed& followed) const;
  Result<> keep(const Result<Clock::Time>& settled);
  Result<> save();
  void close(Followed& followed);
  void complain(const std::string& name, const Error& error);
  std::string tag_for(const std::string& path) const;

  const TailOptions options_;
  Files& files_;
  Clock& clock_;
  Known known_;
  struct FormerFile {
    TailedFile::Former former;
    std::string path;
  };
  std::deque<FormerFile> formers_;
  std::set<FileId> open_;
  std::uint64_t openings_ = 0;
  FileId last_;  // of the file that was read last: the others come first
  std::set<std::string> complained_;
  Buffer scratch_;
  TailFigures figures_;
  bool first_start_ = true;
  bool restored_ = false;  // and nobody looked yet for what was renamed meanwhile
  Clock::Time next_look_{};
  Clock::Time last_commit_{};
  std::uint64_t given_ = 0;  // bytes since then
  bool changed_ = false;     // since then
  // A file was found since the last save(). At the start, too: a second one must know that it is
  // none of the first kind.
  bool found_ = true;
};

}  // namespace quern::inputs
