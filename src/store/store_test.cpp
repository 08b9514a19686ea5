#include "store/store.hpp"

#include "store/fakes.hpp"
#include "store/sqlite_database.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

namespace quern::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path fresh_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "quern-store-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  return name;
}

// A folder that is gone with the test.
class Folder {
 public:
  ~Folder() { std::filesystem::remove_all(path); }
  const std::filesystem::path path = fresh_folder();
};

std::optional<Buffer> some(std::string_view text) { return to_buffer(text); }

// Both kinds promise the same.
class StoreTest : public ::testing::TestWithParam<const char*> {
 protected:
  Store& open(const Place& place = {.name = "shop"}) { return *stores->open(place).value(); }

  Folder folder;
  std::unique_ptr<Stores> stores = GetParam() == std::string("sqlite")
                                       ? make_sqlite_stores(folder.path / "stores")
                                       : make_memory_stores();
};

INSTANTIATE_TEST_SUITE_P(Kinds, StoreTest, ::testing::Values("sqlite", "memory"),
                         [](const auto& kind) { return kind.param; });

TEST_P(StoreTest, WhatIsSetIsThere) {
  Store& store = open();
  EXPECT_EQ(store.get("a").value(), std::nullopt);
  EXPECT_FALSE(store.exists("a").value());
  ASSERT_TRUE(store.write({{"a", some("1")}, {"b", some("2")}}).ok());
  EXPECT_EQ(store.get("a").value(), some("1"));
  EXPECT_TRUE(store.exists("b").value());
  ASSERT_TRUE(store.write({{"a", some("3")}, {"b", std::nullopt}, {"never", std::nullopt}}).ok());
  EXPECT_EQ(store.get("a").value(), some("3"));
  EXPECT_FALSE(store.exists("b").value());
}

TEST_P(StoreTest, AnyBytesAreAValueAndAnyTextAKey) {
  Store& store = open();
  const std::string all = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
    return bytes;
  }();
  const std::string longest(kLongestKey, 'k');
  const std::vector<std::string> keys = {
      "",          "a",   "A",    "a\0b", std::string("a\0b", 3), std::string("a\0c", 3),
      "' OR 1 --", "clé", longest};
  for (const std::string& key : keys) {
    ASSERT_TRUE(store.write({{key, some(key + all)}}).ok()) << key.size();
  }
  for (const std::string& key : keys) EXPECT_EQ(store.get(key).value(), some(key + all));
  ASSERT_TRUE(store.write({{"a", Buffer()}}).ok());
  EXPECT_EQ(store.get("a").value(), Buffer());
}

TEST_P(StoreTest, OverlongKeysAndValuesAreRefusedAndNothingIsWritten) {
  Store& store = open();
  const std::string key(kLongestKey + 1, 'k');
  const Buffer value(kLargestValue.count + 1);
  for (const auto& error : {store.get(key).error(), store.exists(key).error(),
                            store.write({{"a", some("1")}, {key, some("1")}}).error(),
                            store.write({{"a", some("1")}, {"b", value}}).error(),
                            store.update(key, [](const auto&) { return Buffer(); }).error(),
                            store.update("a", [&](const auto&) { return value; }).error()}) {
    EXPECT_EQ(error.kind(), ErrorKind::invalid_argument);
    EXPECT_LT(error.describe().size(), 200U);
  }
  EXPECT_FALSE(store.exists("a").value());
  EXPECT_TRUE(store.write({{"a", Buffer(kLargestValue.count)}}).ok());
}

TEST_P(StoreTest, KeysComeInPages) {
  Store& store = open();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(store.write({{"key " + std::to_string(i), some("x")}}).ok());
  }
  const Page first = store.keys(0, 4).value();
  EXPECT_THAT(first.keys, ElementsAre("key 0", "key 1", "key 2", "key 3"));
  ASSERT_TRUE(first.next);
  // What changes meanwhile moves no other key from its place.
  ASSERT_TRUE(
      store.write({{"key 4", std::nullopt}, {"key 5", some("y")}, {"new", some("z")}}).ok());
  const Page second = store.keys(*first.next, 4).value();
  EXPECT_THAT(second.keys, ElementsAre("key 5", "key 6", "key 7", "key 8"));
  const Page last = store.keys(second.next.value(), 4).value();
  EXPECT_THAT(last.keys, ElementsAre("key 9", "new"));
  EXPECT_FALSE(last.next);
  EXPECT_TRUE(store.keys(1'000'000, 4).value().keys.empty());
  EXPECT_TRUE(store.keys(~std::uint64_t{0} >> 1U, 4).value().keys.empty());
  EXPECT_TRUE(store.keys(~std::uint64_t{0}, 4).value().keys.empty());
}

TEST_P(StoreTest, AKeyThatIsSetWhilePagesAreListedIsOnALaterOne) {
  Store& store = open();
  ASSERT_TRUE(store.write({{"a", some("1")}, {"b", some("2")}, {"c", some("3")}}).ok());
  const Page first = store.keys(0, 2).value();
  EXPECT_THAT(first.keys, ElementsAre("a", "b"));
  ASSERT_TRUE(store.write({{"b", std::nullopt}, {"c", std::nullopt}}).ok());
  ASSERT_TRUE(store.write({{"new", some("4")}}).ok());
  EXPECT_THAT(store.keys(first.next.value(), 2).value().keys, ElementsAre("new"));
}

TEST_P(StoreTest, AKeyThatIsSetInAnEmptiedStoreIsOnALaterPage) {
  Store& store = open();
  ASSERT_TRUE(store.write({{"a", some("1")}, {"b", some("2")}}).ok());
  const Page first = store.keys(0, 1).value();
  ASSERT_TRUE(store.write({{"a", std::nullopt}, {"b", std::nullopt}}).ok());
  ASSERT_TRUE(store.write({{"new", some("3")}}).ok());
  EXPECT_THAT(store.keys(first.next.value(), 1).value().keys, ElementsAre("new"));
}

TEST_P(StoreTest, AnUpdateReadsAndWritesInOne) {
  Store& store = open();
  const auto add = [&](const char* key) {
    return store.update(key, [](const std::optional<Buffer>& now) {
      return to_buffer((now ? std::string(as_text(*now)) : "") + "+");
    });
  };
  ASSERT_TRUE(add("a").ok());
  ASSERT_TRUE(add("a").ok());
  EXPECT_EQ(store.get("a").value(), some("++"));
  const auto refused = store.update(
      "a", [](const auto&) -> Result<Buffer> { return fail(ErrorKind::cancelled, "no"); });
  EXPECT_EQ(refused.error().kind(), ErrorKind::cancelled);
  EXPECT_EQ(store.get("a").value(), some("++"));
  EXPECT_TRUE(store.write({{"b", some("still works")}}).ok());
}

TEST_P(StoreTest, AFullStoreRefusesAndGoesOn) {
  Store& store = open({.name = "small", .limit = 256_KiB});
  ASSERT_TRUE(store.write({{"kept", some("as it was")}}).ok());
  int written = 0;
  Result<> full;
  while (full.ok() && written < 1000) {
    full = store.write({{"key " + std::to_string(written), Buffer(8192, std::byte{7})}});
    if (full.ok()) ++written;
  }
  ASSERT_FALSE(full.ok()) << "nothing bounds it";
  EXPECT_EQ(full.error().kind(), ErrorKind::resource_exhausted);
  EXPECT_THAT(full.error().describe(), HasSubstr("256 KiB"));
  EXPECT_GT(written, 10);
  // All or nothing, also where the first of them would fit.
  EXPECT_FALSE(store.write({{"kept", some("changed")}, {"big", Buffer(300'000)}}).ok());
  EXPECT_EQ(store.get("kept").value(), some("as it was"));
  EXPECT_FALSE(store.exists("key " + std::to_string(written)).value());
  for (int i = 0; i < written; ++i) {
    ASSERT_TRUE(store.write({{"key " + std::to_string(i), std::nullopt}}).ok()) << "no way out";
  }
  EXPECT_TRUE(store.write({{"again", Buffer(8192)}}).ok());
}

TEST_P(StoreTest, StoresAreApart) {
  ASSERT_TRUE(open({.name = "one"}).write({{"a", some("1")}}).ok());
  EXPECT_FALSE(open({.name = "two"}).exists("a").value());
  EXPECT_FALSE(open({.file = folder.path / "three.db"}).exists("a").value());
  EXPECT_TRUE(open({.name = "one"}).exists("a").value());
}

TEST(StoreName, BecomesAFilesName) {
  for (const char* good : {"a", "shop", "shop-2.old_", "0"})
    EXPECT_TRUE(is_store_name(good)) << good;
  for (const std::string& bad : std::vector<std::string>{
           "", "a/b", std::string(".."), std::string(".a"), std::string("-a"), std::string("A"),
           std::string("a b"), std::string("a\0", 2), std::string(65, 'a')}) {
    EXPECT_FALSE(is_store_name(bad)) << bad;
  }
}

class SqliteStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Stores> make() const { return make_sqlite_stores(folder.path / "stores"); }
  Folder folder;
};

TEST_F(SqliteStoreTest, LastsLongerThanTheProgram) {
  ASSERT_TRUE(make()->open({.name = "shop"}).value()->write({{"a", some("1")}}).ok());
  EXPECT_EQ(make()->open({.name = "shop"}).value()->get("a").value(), some("1"));
}

TEST_F(SqliteStoreTest, IsForItsUserAlone) {
  const auto stores = make();
  ASSERT_TRUE(stores->open({.name = "shop"}).value()->write({{"a", some("1")}}).ok());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path / "stores")) {
    struct stat facts{};
    ASSERT_EQ(stat(entry.path().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0077U, 0U) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 1);
}

TEST_F(SqliteStoreTest, ANameCannotLeaveTheFolder) {
  const auto stores = make();
  for (const char* name : {"../up", "a/b", "", "/etc/x"}) {
    EXPECT_EQ(stores->open({.name = name}).error().kind(), ErrorKind::invalid_argument) << name;
  }
}

TEST_F(SqliteStoreTest, AFileThatIsNoStoreIsLeftAlone) {
  const auto stores = make();
  const auto text = folder.path / "notes.txt";
  std::ofstream(text) << std::string(10'000, 'x');
  EXPECT_EQ(stores->open({.file = text}).error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(std::filesystem::file_size(text), 10'000U);
  EXPECT_EQ(stores->open({.file = folder.path / "absent" / "a.db"}).error().kind(),
            ErrorKind::not_found);
  EXPECT_THAT(stores->open({.file = folder.path}).error().describe(), HasSubstr("store"));
}

TEST_F(SqliteStoreTest, AStoreOfAnotherFormatIsRefused) {
  const auto file = folder.path / "old.db";
  ASSERT_TRUE(make()->open({.file = file}).ok());
  const auto other = Database::open(SqliteLibrary::load().value(), file).value();
  ASSERT_TRUE(other->execute("PRAGMA user_version = 1").ok());
  const Error error = make()->open({.file = file}).error();
  EXPECT_EQ(error.kind(), ErrorKind::unsupported);
  EXPECT_THAT(error.describe(), HasSubstr("format 1"));
}

TEST_F(SqliteStoreTest, TwoProcessesShareOne) {
  const auto here = make();
  const auto there = make();
  Store& ours = *here->open({.name = "shop"}).value();
  Store& theirs = *there->open({.name = "shop"}).value();
  const auto count = [](Store& store) {
    return store.update(
        "n", [](const std::optional<Buffer>& now) { return Buffer(now ? now->size() + 1 : 1); });
  };
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(count(ours).ok());
    ASSERT_TRUE(count(theirs).ok());
  }
  EXPECT_EQ(ours.get("n").value()->size(), 40U);
}

TEST(Patience, ASecondWaitComesOnlyAfterTheLockWasFree) {
  Patience patience;
  const int first = patience.wait_ms();
  EXPECT_GT(first, 0);
  patience.learn(SQLITE_BUSY);
  EXPECT_EQ(patience.wait_ms(), 0);
  patience.learn(SQLITE_BUSY_SNAPSHOT);
  EXPECT_EQ(patience.wait_ms(), 0);
  patience.learn(SQLITE_ROW);
  EXPECT_EQ(patience.wait_ms(), first);
}

// As many calls as may wait in line: if each waited for the lock, the test would run out of its
// time.
constexpr int kManyCalls = 4096;

TEST_F(SqliteStoreTest, AStoreThatAnotherLocksIsUnavailableAtOnceAndCanBeRead) {
  const auto file = folder.path / "shared.db";
  const auto stores = make();
  Store& store = *stores->open({.file = file}).value();
  ASSERT_TRUE(store.write({{"a", some("1")}}).ok());
  const auto other = Database::open(SqliteLibrary::load().value(), file).value();
  ASSERT_TRUE(other->execute("BEGIN IMMEDIATE").ok());
  for (int i = 0; i < kManyCalls; ++i) {
    const auto written = stores->open({.file = file}).value()->write({{"a", some("2")}});
    ASSERT_EQ(written.error().kind(), ErrorKind::unavailable);
    ASSERT_THAT(written.error().describe(), HasSubstr("locked by another process"));
    ASSERT_EQ(store.get("a").value(), some("1"));
  }
  ASSERT_TRUE(other->execute("COMMIT").ok());
  EXPECT_TRUE(store.write({{"a", some("2")}}).ok());
}

TEST_F(SqliteStoreTest, AStoreThatIsLockedFromTheStartIsUnavailableAtOnceAndOpensLater) {
  const auto file = folder.path / "shared.db";
  const auto stores = make();
  ASSERT_TRUE(make()->open({.file = file}).value()->write({{"a", some("1")}}).ok());
  auto other = Database::open(SqliteLibrary::load().value(), file).value();
  ASSERT_TRUE(other->execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").ok());
  for (int i = 0; i < kManyCalls; ++i) {
    ASSERT_EQ(stores->open({.file = file}).error().kind(), ErrorKind::unavailable);
  }
  EXPECT_TRUE(stores->open({.name = "another"}).ok());
  other.reset();
  EXPECT_EQ(stores->open({.file = file}).value()->get("a").value(), some("1"));
}

// A child that writes and says so, until it is killed in the middle of it.
pid_t start_writer(const std::filesystem::path& folder, int told) {
  const pid_t child = fork();
  if (child != 0) return child;
  const auto stores = make_sqlite_stores(folder);
  Store* const store = stores->open({.name = "shop"}).value();
  for (std::uint32_t i = 0;; ++i) {
    const std::string key = std::to_string(i);
    if (!store->write({{key, Buffer(2000, std::byte{1})}, {key + " too", some("x")}}).ok())
      _exit(1);
    if (write(told, &i, sizeof i) != sizeof i) _exit(1);
  }
}

TEST_F(SqliteStoreTest, WhatWasAnsweredSurvivesKill9) {
  for (int round = 0; round < 5; ++round) {
    const auto place = folder.path / std::to_string(round);
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = start_writer(place, ends[1]);
    close(ends[1]);
    std::uint32_t last = 0;
    const auto enough = static_cast<std::uint32_t>(20 + round * 7);
    while (last < enough && read(ends[0], &last, sizeof last) == sizeof last) continue;
    ASSERT_EQ(last, enough);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ends[0]);
    const auto stores = make_sqlite_stores(place);
    Store& store = *stores->open({.name = "shop"}).value();
    for (std::uint32_t i = 0; i <= last; ++i) {
      ASSERT_TRUE(store.exists(std::to_string(i)).value()) << i;
    }
    // Both of a pair, or neither.
    const Page all = store.keys(0, 100'000).value();
    for (const std::string& key : all.keys) {
      if (key.ends_with(" too")) continue;
      EXPECT_TRUE(store.exists(key + " too").value()) << key;
    }
    EXPECT_TRUE(store.write({{"after", some("x")}}).ok());
  }
}

}  // namespace
}  // namespace quern::store
