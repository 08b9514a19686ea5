// Files that records choose by their tag and time, within bounds: the folder is the person's, names
// below it are made of letters, and there are only so many.
#include "outputs/line_format.hpp"
#include "outputs/makers.hpp"
#include "outputs/rotation.hpp"

#include <algorithm>
#include <atomic>
#include <map>

namespace quern::outputs {
namespace {

using logs::Batch;
using logs::Entry;
using std::chrono::seconds;

constexpr seconds kForgetAfter{24 * 3600};

// A file that is written to, or was within a day.
struct OpenFile {
  std::unique_ptr<FileWriter> writer;  // null: closed for now
  Bytes size{};
  Clock::Time begun{};  // of this file; of this run, for one that was there before
  Clock::Time used{};
  bool unsynced = false;
};

class FileOutput final : public logs::Output {
 public:
  FileOutput(const logs::StageWorld& world, Template path, LineFormat format, Rotation rotation,
             std::size_t most_files, std::size_t most_open)
      : files_(world.files),
        clock_(world.clock),
        beside_(world.beside),
        name_(world.name),
        path_(std::move(path)),
        format_(std::move(format)),
        rotation_(rotation),
        most_files_(most_files),
        most_open_(most_open) {}

  Result<Batch> deliver(const Batch& batch, const std::stop_token& /*stop*/) override {
    Batch dead;
    std::map<std::string, std::string> texts;
    std::string path;
    std::string* text = nullptr;
    for (const Entry& entry : batch) {
      if (!path_.is_constant() || text == nullptr) {
        path.clear();
        path_.render(entry, path_part, path);
        text = &texts[path];
      }
      const Result<> written = format_.append(entry, *text);
      if (!written.ok()) mark_dead(dead, entry, name_, written.error().describe());
    }
    const std::vector<std::string> refused = refuse_new(texts);
    if (!refused.empty()) bury(batch, refused, dead);
    TRY(write_all(texts));
    return dead;
  }

  Result<> sync() override {
    for (auto& [path, file] : open_) {
      if (!file.unsynced || !file.writer) continue;
      TRY(file.writer->sync());
      file.unsynced = false;
    }
    return {};
  }

  std::vector<logs::Figure> figures() const override {
    return {
        {.name = "output_file_rotations_total", .value = static_cast<double>(rotations_.load())}};
  }

 private:
  // Takes out of `texts` the files that would be too many; their names.
  std::vector<std::string> refuse_new(std::map<std::string, std::string>& texts) {
    const Clock::Time now = clock_.now();
    std::erase_if(open_, [&](const auto& known) {
      return !known.second.unsynced && now - known.second.used > kForgetAfter;
    });
    std::vector<std::string> refused;
    std::size_t count = open_.size();
    for (const auto& [path, text] : texts) {
      if (open_.contains(path)) continue;
      if (count >= most_files_) {
        refused.push_back(path);
      } else {
        ++count;
      }
    }
    for (const std::string& path : refused) texts.erase(path);
    return refused;
  }

  void bury(const Batch& batch, const std::vector<std::string>& refused, Batch& dead) const {
    std::string path;
    for (const Entry& entry : batch) {
      path.clear();
      path_.render(entry, path_part, path);
      if (!std::binary_search(refused.begin(), refused.end(), path)) continue;
      mark_dead(dead, entry, name_,
                "there are " + std::to_string(most_files_) + " files already (max_files)");
    }
  }

  // All of it or, but for a disk that fails altogether, nothing.
  Result<> write_all(const std::map<std::string, std::string>& texts) {
    std::vector<std::pair<OpenFile*, std::string>> touched;
    for (const auto& [path, text] : texts) {
      if (text.empty()) continue;
      Result<OpenFile*> file = opened(path, {text.size()});
      Result<> written = file.ok() ? (*file)->writer->write(as_bytes(text))
                                   : Result<>(fail(std::move(file).error()));
      if (!written.ok()) {
        if (file.ok()) touched.emplace_back(*file, path);
        take_back(touched);
        return fail(came_again(std::move(written).error()));
      }
      touched.emplace_back(*file, path);
    }
    for (const auto& [file, path] : touched) {
      file->size.count += texts.at(path).size();
      file->unsynced = true;
    }
    return {};
  }

  // The pipeline gives the batch again: half of it must not stay.
  void take_back(const std::vector<std::pair<OpenFile*, std::string>>& touched) {
    for (const auto& [file, path] : touched) {
      file->writer.reset();
      const Result<> cut = files_.truncate(beside_ / path, file->size);
      if (!cut.ok()) file->size = {};  // measured when it is opened again
    }
  }

  // Whatever is wrong with a disk, a person can mend it.
  static Error came_again(Error error) {
    if (error.kind() == ErrorKind::resource_exhausted) return error;
    return {ErrorKind::unavailable, error.describe()};
  }

  Result<OpenFile*> opened(const std::string& path, Bytes more) {
    OpenFile& file = open_[path];
    const Clock::Time now = clock_.now();
    const std::filesystem::path full = beside_ / path;
    file.used = now;
    if (!file.writer) TRY(open(file, full));
    const bool old = rotation_.age.count() > 0 && now - file.begun >= rotation_.age;
    const bool large =
        rotation_.size.count > 0 && file.size.count + more.count > rotation_.size.count;
    if (file.size.count > 0 && (old || large)) {
      TRY(file.writer->sync());
      file.writer.reset();
      TRY(rotate(files_, full, rotation_));
      ++rotations_;
      TRY(open(file, full));
      file.begun = now;
    }
    return &file;
  }

  Result<> open(OpenFile& file, const std::filesystem::path& path) {
    close_some();
    TRY(files_.make_directories(path.parent_path()));
    file.writer = TRY(files_.append(path));
    file.size = TRY(files_.stat(path)).size;
    if (file.begun == Clock::Time{}) file.begun = clock_.now();
    return end_line(file, path);
  }

  // A crash amid a batch leaves half a line, to which the next would be joined.
  Result<> end_line(OpenFile& file, const std::filesystem::path& path) {
    if (file.size.count == 0 || !format_.is_lines()) return {};
    const Buffer last = TRY(files_.read_part(path, {file.size.count - 1}, {1}));
    if (as_text(last) == "\n") return {};
    TRY(file.writer->write(as_bytes("\n")));
    ++file.size.count;
    return {};
  }

  // The one that was not used for longest, once there are too many.
  void close_some() {
    std::size_t count = 0;
    OpenFile* oldest = nullptr;
    for (auto& [path, file] : open_) {
      if (!file.writer) continue;
      ++count;
      if (oldest == nullptr || file.used < oldest->used) oldest = &file;
    }
    if (count < most_open_ || oldest == nullptr) return;
    // An error shows at the next sync: the file is still marked.
    if (oldest->unsynced && oldest->writer->sync().ok()) oldest->unsynced = false;
    if (!oldest->unsynced) oldest->writer.reset();
  }

  Files& files_;
  Clock& clock_;
  const std::filesystem::path beside_;
  const std::string name_;
  const Template path_;
  const LineFormat format_;
  const Rotation rotation_;
  const std::size_t most_files_;
  const std::size_t most_open_;
  std::map<std::string, OpenFile> open_;
  std::atomic<std::uint64_t> rotations_{0};
};

}  // namespace

Made make_file(Settings& settings, const logs::StageWorld& world) {
  auto path = Template::parse(TRY(settings.text("path")));
  if (!path.ok()) return settings.wrong("path", path.error().message());
  if (path->is_constant() && (path->prefix().empty() || path->prefix().ends_with('/')))
    return settings.wrong("path", "names no file");
  if (!path->is_constant() && path->prefix().find('/') == std::string_view::npos)
    return settings.wrong("path", "must begin with a folder: records choose names below it");
  LineFormat format = TRY(LineFormat::read(settings));
  const Rotation rotation{
      .size = TRY(settings.bytes_or("rotate_size", Bytes{})),
      .age = TRY(settings.duration_or("rotate_age", std::chrono::milliseconds(0))),
      .keep = static_cast<unsigned>(TRY(settings.number_or("rotate_keep", 5, {1, 1000}))),
      .gzip = TRY(settings.flag_or("rotate_gzip", false)),
      .mark = path->is_constant() ? '.' : '~'};
  const auto most = TRY(settings.number_or("max_files", 1000, {1, 100'000}));
  const auto most_open = TRY(settings.number_or("max_open_files", 64, {1, 10'000}));
  return std::unique_ptr<logs::Output>(std::make_unique<FileOutput>(
      world, *std::move(path), std::move(format), rotation, most, most_open));
}

}  // namespace quern::outputs
