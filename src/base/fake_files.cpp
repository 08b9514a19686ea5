#include "base/fakes.hpp"

#include <algorithm>

namespace quern {
namespace {

Failure missing(const std::string& path) {
  return fail(ErrorKind::not_found, path + ": no such file or directory");
}

std::string parent_of(const std::string& path) {
  const std::string parent = Files::Path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

class FakeWriter final : public FileWriter {
 public:
  FakeWriter(FakeFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  Result<> write(ByteView bytes) override { return files_.append_bytes(path_, bytes); }
  Result<> sync() override {
    auto state = files_.state_.lock();
    return FakeFiles::change(*state);
  }

 private:
  FakeFiles& files_;
  std::string path_;
};

class FakeLock final : public FileLock {
 public:
  FakeLock(FakeFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~FakeLock() override { files_.state_.lock()->locks.erase(path_); }

 private:
  FakeFiles& files_;
  std::string path_;
};

Result<> FakeFiles::change(State& state) {
  ++state.changes;
  if (state.fail_at > 0 && state.changes >= state.fail_at) return fail(*state.error);
  return {};
}

void FakeFiles::fail_at_change(int n, Error error) {
  auto state = state_.lock();
  state->fail_at = state->changes + n;
  state->error = std::move(error);
}
void FakeFiles::work_again() { state_.lock()->fail_at = 0; }
void FakeFiles::set_free_space(Bytes space) { state_.lock()->space = space; }
int FakeFiles::changes() const { return state_.lock()->changes; }

Result<Buffer> FakeFiles::read_part(const Path& path, Bytes offset, Bytes size) {
  auto state = state_.lock();
  const auto found = state->files.find(path.string());
  if (found == state->files.end()) return missing(path.string());
  const Buffer& all = found->second;
  const std::size_t begin = std::min<std::size_t>(offset.count, all.size());
  const std::size_t end = begin + std::min<std::size_t>(size.count, all.size() - begin);
  return Buffer(all.begin() + static_cast<std::ptrdiff_t>(begin),
                all.begin() + static_cast<std::ptrdiff_t>(end));
}

Result<Buffer> FakeFiles::read(const Path& path, Bytes limit) {
  auto state = state_.lock();
  const auto found = state->files.find(path.string());
  if (found == state->files.end()) return missing(path.string());
  if (found->second.size() > limit.count) {
    return fail(ErrorKind::resource_exhausted, path.string() + " is too large");
  }
  return found->second;
}

Result<> FakeFiles::write(const Path& path, ByteView bytes) {
  auto state = state_.lock();
  if (!state->directories.contains(parent_of(path.string()))) return missing(path.string());
  if (state->directories.contains(path.string())) {
    return fail(ErrorKind::invalid_argument, "cannot write " + path.string() + ": Is a directory");
  }
  TRY(change(*state));
  state->files[path.string()] = {bytes.begin(), bytes.end()};
  return {};
}

Result<std::unique_ptr<FileWriter>> FakeFiles::append(const Path& path) {
  auto state = state_.lock();
  if (!state->directories.contains(parent_of(path.string()))) return missing(path.string());
  TRY(change(*state));
  state->files.try_emplace(path.string());
  return std::unique_ptr<FileWriter>(std::make_unique<FakeWriter>(*this, path.string()));
}

Result<> FakeFiles::append_bytes(const std::string& path, ByteView bytes) {
  auto state = state_.lock();
  const Result<> allowed = change(*state);
  const ByteView taken = allowed ? bytes : bytes.first(bytes.size() / 2);
  Buffer& file = state->files[path];
  file.insert(file.end(), taken.begin(), taken.end());
  return allowed;
}

Result<FileInfo> FakeFiles::stat(const Path& path) {
  auto state = state_.lock();
  constexpr std::uint32_t kFileMode = 0644;
  constexpr std::uint32_t kDirectoryMode = 0755;
  if (state->directories.contains(path.string())) {
    return FileInfo{.directory = true, .mode = kDirectoryMode};
  }
  const auto found = state->files.find(path.string());
  if (found == state->files.end()) return missing(path.string());
  return FileInfo{.size = {found->second.size()}, .mode = kFileMode};
}

Result<std::vector<std::string>> FakeFiles::list(const Path& directory) {
  auto state = state_.lock();
  if (!state->directories.contains(directory.string())) return missing(directory.string());
  std::vector<std::string> names;
  const auto add = [&](const std::string& path) {
    if (path != directory.string() && parent_of(path) == directory.string()) {
      names.push_back(Path(path).filename().string());
    }
  };
  for (const auto& [path, content] : state->files) add(path);
  for (const std::string& path : state->directories) add(path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<> FakeFiles::rename(const Path& from, const Path& to) {
  auto state = state_.lock();
  const auto found = state->files.find(from.string());
  if (found == state->files.end()) return missing(from.string());
  if (!state->directories.contains(parent_of(to.string()))) return missing(to.string());
  TRY(change(*state));
  Buffer content = std::move(found->second);
  state->files.erase(found);
  state->files[to.string()] = std::move(content);
  return {};
}

Result<> FakeFiles::remove(const Path& path) {
  auto state = state_.lock();
  TRY(change(*state));
  if (state->files.erase(path.string()) + state->directories.erase(path.string()) == 0) {
    return missing(path.string());
  }
  return {};
}

Result<> FakeFiles::truncate(const Path& path, Bytes size) {
  auto state = state_.lock();
  const auto found = state->files.find(path.string());
  if (found == state->files.end()) return missing(path.string());
  TRY(change(*state));
  found->second.resize(size.count);
  return {};
}

Result<> FakeFiles::make_directories(const Path& path, std::uint32_t /*mode*/) {
  auto state = state_.lock();
  if (state->directories.contains(path.string())) return {};
  TRY(change(*state));
  for (std::string at = path.string(); state->directories.insert(at).second;) at = parent_of(at);
  return {};
}

Result<Bytes> FakeFiles::free_space(const Path& /*path*/) { return state_.lock()->space; }

Result<std::unique_ptr<FileLock>> FakeFiles::try_lock(const Path& path) {
  auto state = state_.lock();
  if (!state->locks.insert(path.string()).second) {
    return fail(ErrorKind::unavailable, path.string() + " is locked");
  }
  return std::unique_ptr<FileLock>(std::make_unique<FakeLock>(*this, path.string()));
}

}  // namespace quern
