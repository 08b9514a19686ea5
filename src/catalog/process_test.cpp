// Pulls in processes of their own, on a real disk: killed at every change they make to it, and two
// at once.
#include "catalog/catalog.hpp"
#include "catalog/test_support.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

namespace quern::catalog::test {
namespace {

namespace fs = std::filesystem;

// A disk on which this process kills itself at the n-th change.
class DeadlyFiles final : public Files {
 public:
  explicit DeadlyFiles(int n) : left_(n) {}

  Result<Buffer> read(const Path& path, Bytes limit) override { return real_.read(path, limit); }
  Result<Buffer> read_part(const Path& path, Bytes offset, Bytes size) override {
    return real_.read_part(path, offset, size);
  }
  Result<> write(const Path& path, ByteView bytes) override {
    count();
    return real_.write(path, bytes);
  }
  Result<std::unique_ptr<FileWriter>> append(const Path& path) override {
    count();
    std::unique_ptr<FileWriter> writer = TRY(real_.append(path));
    return std::unique_ptr<FileWriter>(std::make_unique<Writer>(*this, std::move(writer)));
  }
  Result<FileInfo> stat(const Path& path) override { return real_.stat(path); }
  Result<std::vector<std::string>> list(const Path& directory) override {
    return real_.list(directory);
  }
  Result<> rename(const Path& from, const Path& to) override {
    count();
    return real_.rename(from, to);
  }
  Result<> remove(const Path& path) override {
    count();
    return real_.remove(path);
  }
  Result<> truncate(const Path& path, Bytes size) override {
    count();
    return real_.truncate(path, size);
  }
  Result<> make_directories(const Path& path, std::uint32_t mode) override {
    count();
    return real_.make_directories(path, mode);
  }
  Result<Bytes> free_space(const Path& path) override { return real_.free_space(path); }
  Result<std::unique_ptr<FileLock>> try_lock(const Path& path) override {
    count();
    return real_.try_lock(path);
  }

 private:
  class Writer final : public FileWriter {
   public:
    Writer(DeadlyFiles& files, std::unique_ptr<FileWriter> real)
        : files_(files), real_(std::move(real)) {}
    // Half of it is written before the end comes.
    Result<> write(ByteView bytes) override {
      if (files_.left_ == 1) TRY(real_->write(bytes.first(bytes.size() / 2)));
      files_.count();
      return real_->write(bytes);
    }
    Result<> sync() override {
      files_.count();
      return real_->sync();
    }

   private:
    DeadlyFiles& files_;
    std::unique_ptr<FileWriter> real_;
  };

  void count() {
    if (--left_ == 0) ::kill(::getpid(), SIGKILL);
  }

  int left_;
  RealFiles real_;
};

// Delivers slowly enough for two processes to meet.
class SlowNetwork final : public Network {
 public:
  explicit SlowNetwork(Network& network) : network_(network) {}
  Result<> fetch(const FetchRequest& request, std::stop_token stop,
                 std::function<Result<>(const FetchHead&)> head,
                 std::function<Result<>(ByteView)> chunk) override {
    return network_.fetch(request, stop, head, [&](ByteView bytes) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return chunk(bytes);
    });
  }
  Result<SendAnswer> send(const SendRequest& request, std::stop_token stop) override {
    return network_.send(request, stop);
  }

 private:
  Network& network_;
};

class Processes : public ::testing::Test {
 protected:
  Processes() {
    std::string pattern = (fs::temp_directory_path() / "quern-catalog-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    FakeIndex::offer(network_, "some-model", make_zip({{"some_model/m.gguf", weights_}}));
  }
  ~Processes() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  CatalogOptions options() const {
    return {.store = folder_ / "store",
            .hub = "https://hub.test",
            .python_index = std::string(FakeIndex::kAddress)};
  }

  // What is in the store is whole.
  void expect_whole_or_nothing(Catalog& catalog) {
    for (const LocalModel& model : catalog.local()) {
      EXPECT_EQ(as_text(*files_.read(model.path, 1_GiB)), weights_);
    }
  }

  static constexpr std::string_view kWheel = "pypi:some-model==1.0/some_model/m.gguf";
  const std::string weights_ = make_gguf(40'000);
  fs::path folder_;
  FakeNetwork network_;
  RealFiles files_;
  EagerClock clock_;
  FakeProcess process_;
};

TEST_F(Processes, a_pull_killed_at_any_change_leaves_all_or_nothing) {
  bool survived = false;
  int n = 0;
  while (!survived && n < 1000) {
    ++n;
    if (n % 3 == 1) fs::remove_all(folder_ / "store");  // else resume what the last one left
    const pid_t child = ::fork();
    if (child == 0) {
      DeadlyFiles files(n);
      Catalog catalog(options(), network_, {files, clock_, process_});
      ::_exit(catalog.pull(kWheel, {}, {}).ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    survived = WIFEXITED(status);
    if (survived) {
      EXPECT_EQ(WEXITSTATUS(status), 0) << "after " << n;
    } else {
      EXPECT_EQ(WTERMSIG(status), SIGKILL);
    }
    Catalog after(options(), network_, {files_, clock_, process_});
    expect_whole_or_nothing(after);
    if (survived && n % 3 != 1) survived = false;  // only a pull from nothing makes all changes
    if (n % 3 == 0) {
      const auto again = after.pull(kWheel, {}, {});
      ASSERT_TRUE(again.ok()) << "after " << n << ": " << again.error().describe();
      expect_whole_or_nothing(after);
    }
  }
  EXPECT_TRUE(survived);
  EXPECT_GT(n, 40) << "the child was killed at many points";
}

TEST_F(Processes, two_pulls_at_once_share_one_download) {
  std::vector<pid_t> children;
  SystemClock clock;
  for (int i = 0; i < 2; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      SlowNetwork slow(network_);
      Catalog catalog(options(), slow, {files_, clock, process_});
      const auto model = catalog.pull(kWheel, {}, {});
      const bool whole = model.ok() && as_text(*files_.read(model->path, 1_GiB)) == weights_;
      ::_exit(!whole ? 100 : static_cast<int>(network_.requests().size()));
    }
    children.push_back(child);
  }
  int requests = 0;
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_NE(WEXITSTATUS(status), 100);
    requests += WEXITSTATUS(status);
  }
  EXPECT_EQ(requests, 2) << "one page of the index and one wheel, by one of the two";
}

}  // namespace
}  // namespace quern::catalog::test
