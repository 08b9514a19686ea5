// The code cache holds machine code: only what this program wrote, whole, may come back from it.
#include "wasm/test_support.hpp"

#include <sys/stat.h>

#include <fstream>

namespace quern::wasm {
namespace {

using namespace testing;
namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// A cache directory of its own, not made yet.
class Place {
 public:
  Place() {
    std::string pattern = ::testing::TempDir() + "quern-cache-XXXXXX";
    parent = ::mkdtemp(pattern.data());
    cache = parent / "code";
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { fs::remove_all(parent); }

  Result<std::unique_ptr<Engine>> open() const {
    return Engine::create({.cache_dir = cache, .worker_threads = 1, .max_instances = 2});
  }
  // Loads and runs a guest; its exit code.
  int use() const {
    const auto engine = open().value();
    const auto program = engine->load_file(guest("exit_code")).value();
    return run(*engine->link(program, {}).value()).value();
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(cache)) {
      if (entry.path().filename() != "key") found.push_back(entry.path());
    }
    return found;
  }

  fs::path parent;
  fs::path cache;
};

TEST(Cache, IsMadeForThisUserAlone) {
  const Place here;
  EXPECT_EQ(here.use(), 7);
  struct stat facts{};
  ASSERT_EQ(::stat(here.cache.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0700U);
  ASSERT_EQ(::stat((here.cache / "key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(here.entries().size(), 1U);
}

TEST(Cache, AnEntryIsUsedAgain) {
  const Place here;
  EXPECT_EQ(here.use(), 7);
  const fs::path entry = here.entries().at(0);
  const auto written = fs::last_write_time(entry);
  EXPECT_EQ(here.use(), 7);
  EXPECT_EQ(here.entries().size(), 1U);
  EXPECT_EQ(fs::last_write_time(entry), written);
}

TEST(Cache, ADamagedEntryIsIgnoredAndReplaced) {
  const Place here;
  EXPECT_EQ(here.use(), 7);
  const fs::path entry = here.entries().at(0);
  const std::string good = read(entry);
  std::string flipped = good;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  for (const std::string& bad : {flipped, good.substr(0, good.size() / 2), good + "more",
                                 std::string(), std::string("short")}) {
    write(entry, bad);
    EXPECT_EQ(here.use(), 7);
    EXPECT_EQ(read(entry), good);
  }
}

// An entry that somebody made with a key of their own, and one that was moved to another's place.
TEST(Cache, AForeignEntryIsIgnored) {
  const Place here;
  EXPECT_EQ(here.use(), 7);
  const fs::path entry = here.entries().at(0);
  const std::string ours = read(entry);
  const Place other;
  EXPECT_EQ(other.use(), 7);
  const std::string theirs = read(other.entries().at(0));
  ASSERT_NE(ours, theirs);
  write(entry, theirs);
  EXPECT_EQ(here.use(), 7);
  EXPECT_EQ(read(entry), ours);

  const auto engine = here.open().value();
  ASSERT_TRUE(engine->load_file(guest("healthy")).ok());
  ASSERT_EQ(here.entries().size(), 2U);
  for (const fs::path& place : here.entries()) write(place, place == entry ? read(place) : ours);
  const auto program = here.open().value()->load_file(guest("healthy")).value();
  EXPECT_TRUE(program->imports().empty());  // healthy imports nothing, exit_code does
}

TEST(Cache, RefusesADirectoryThatOthersMayWriteTo) {
  const Place here;
  fs::create_directory(here.cache);
  for (const unsigned mode : {0770U, 0707U, 0777U}) {
    ::chmod(here.cache.c_str(), mode);
    const auto engine = here.open();
    ASSERT_FALSE(engine.ok());
    EXPECT_EQ(engine.error().kind(), ErrorKind::permission_denied);
    EXPECT_NE(engine.error().message().find(here.cache.string()), std::string::npos);
  }
}

TEST(Cache, RefusesALinkAndAReadableKey) {
  const Place here;
  fs::create_directory(here.parent / "real");
  fs::create_directory_symlink(here.parent / "real", here.cache);
  EXPECT_EQ(here.open().error().kind(), ErrorKind::permission_denied);
  fs::remove(here.cache);
  EXPECT_EQ(here.use(), 7);
  ::chmod((here.cache / "key").c_str(), 0644);
  EXPECT_EQ(here.open().error().kind(), ErrorKind::permission_denied);
}

TEST(Cache, ManyWritersAgree) {
  const Place here;
  std::vector<std::thread> writers;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      if (here.use() == 7) ++right;
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(right, 4);
  EXPECT_EQ(here.entries().size(), 1U);
}

}  // namespace
}  // namespace quern::wasm
