#include "pipeline/leftovers.hpp"

#include "base/log.hpp"

#include "logs/segments.hpp"
#include "pipeline/set_aside.hpp"

#include <utility>

namespace quern::pipeline {
namespace {

namespace fs = std::filesystem;

// Of what was not delivered yet.
Result<> count(Files& files, Leftover& left) {
  const auto segments = TRY(logs::Segments::open(files, left.folder));
  while (const std::optional<Buffer> frame = TRY(segments->next())) {
    const Result<logs::Batch> batch = logs::Batch::parse(*frame);
    left.records += batch.ok() ? batch->size() : 1;
    left.bytes.count += frame->size();
  }
  return {};
}

void look_into(Files& files, const fs::path& folder, Leftover::Kind kind, const IsRead& is_read,
               std::vector<Leftover>& found) {
  const Result<std::vector<std::string>> names = files.list(folder);
  if (!names) return;
  for (const std::string& name : *names) {
    const bool aside = name.ends_with(kAside);
    Leftover left{.kind = kind,
                  .stage = aside ? name.substr(0, name.size() - kAside.size()) : name,
                  .folder = folder / name};
    // Dead letters that were set aside are those with which the next replay begins; a buffer that
    // was, went to another output.
    const bool read = (!aside || kind == Leftover::Kind::dead_letters) && is_read(kind, left.stage);
    const Result<FileInfo> info = files.stat(left.folder);
    if (read || !info || !info->directory) continue;
    const Result<> counted = count(files, left);
    if (!counted && counted.error().kind() == ErrorKind::unavailable) continue;
    if (!counted) log::warn("pipeline", counted.error().describe());
    if (left.records > 0) found.push_back(std::move(left));
  }
}

}  // namespace

fs::path buffer_folder(const fs::path& state, std::string_view stage) {
  return state / "buffers" / stage;
}
fs::path dead_folder(const fs::path& state, std::string_view stage) {
  return state / "dead" / stage;
}

std::vector<Leftover> find_leftovers(Files& files, const fs::path& state, const IsRead& is_read) {
  std::vector<Leftover> found;
  using Kind = Leftover::Kind;
  look_into(files, buffer_folder(state, ""), Kind::buffer, is_read, found);
  look_into(files, dead_folder(state, ""), Kind::dead_letters, is_read, found);
  return found;
}

std::string describe(const Leftover& left) {
  const char* const what = left.kind == Leftover::Kind::buffer ? "the buffer" : "dead letters";
  return std::string(what) + " of " + left.stage + " (" + left.folder.string() +
         "): " + std::to_string(left.records) + " records, " + to_string(left.bytes);
}

}  // namespace quern::pipeline
