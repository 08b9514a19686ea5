// Statements of strangers: what they may do, and what they may not.
#include "store/store.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace quern::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path fresh_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "quern-database-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  return name;
}

class DatabaseTest : public ::testing::Test {
 protected:
  ~DatabaseTest() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<Connection> connect(Bytes limit = 1_GiB) const {
    return stores->connect({.name = "shop", .file = {}, .limit = limit}).value();
  }
  // Of a statement that must succeed.
  static SqlAnswer run(Connection& connection, std::string_view sql,
                       const std::vector<SqlValue>& parameters = {}) {
    auto answer = connection.execute(sql, parameters);
    EXPECT_TRUE(answer.ok()) << sql << ": " << answer.error().describe();
    return answer.ok() ? *std::move(answer) : SqlAnswer{};
  }
  // Of one that must not: its kind and words.
  static std::pair<ErrorKind, std::string> failure(Connection& connection, std::string_view sql) {
    const auto answer = connection.execute(sql, {});
    if (!answer.ok()) return {answer.error().kind(), answer.error().describe()};
    ADD_FAILURE() << sql << " succeeded";
    return {};
  }
  static std::int64_t number(Connection& connection, std::string_view sql) {
    const SqlAnswer answer = run(connection, sql);
    return answer.rows.empty() ? -1 : std::get<std::int64_t>(answer.rows[0][0]);
  }

  const std::filesystem::path folder = fresh_folder();
  const std::unique_ptr<Stores> stores = make_sqlite_stores(folder / "stores");
};

TEST_F(DatabaseTest, EveryKindOfValueComesBack) {
  const auto first = connect();
  run(*first, "CREATE TABLE t (a, b, c, d, e)");
  const std::string text("gr\xC3\xBC\0n", 6);
  const Buffer blob = to_buffer(std::string_view("\0\xFF\x01", 3));
  const std::vector<SqlValue> row = {std::numeric_limits<std::int64_t>::min(), 0.1, text, blob,
                                     std::monostate()};
  run(*first, "INSERT INTO t VALUES (?, ?, ?, ?, ?)", row);
  run(*first, "INSERT INTO t VALUES (0, 0.0, '', x'', NULL)");
  const SqlAnswer answer = run(*connect(), "SELECT * FROM t ORDER BY a");
  EXPECT_THAT(answer.columns, ElementsAre("a", "b", "c", "d", "e"));
  ASSERT_EQ(answer.rows.size(), 2U);
  EXPECT_EQ(answer.rows[0], row);
  EXPECT_EQ(answer.rows[1], (std::vector<SqlValue>{std::int64_t{0}, 0.0, std::string(), Buffer(),
                                                   std::monostate()}));
}

TEST_F(DatabaseTest, TextThatIsNoneIsMended) {
  const SqlAnswer answer = run(*connect(), "SELECT CAST(x'61FF62' AS TEXT) AS x");
  EXPECT_EQ(answer.rows[0][0], SqlValue(std::string("a\xEF\xBF\xBD"
                                                    "b")));
}

TEST_F(DatabaseTest, TransactionsAreWholeOrNothing) {
  const auto connection = connect();
  run(*connection, "CREATE TABLE t (n INTEGER CHECK (n < 3))");
  run(*connection, "BEGIN");
  run(*connection, "INSERT INTO t VALUES (1)");
  EXPECT_THAT(failure(*connection, "INSERT INTO t VALUES (5)").second, HasSubstr("CHECK"));
  run(*connection, "ROLLBACK");
  EXPECT_EQ(number(*connection, "SELECT count(*) FROM t"), 0);
  run(*connection, "BEGIN");
  run(*connection, "INSERT INTO t VALUES (1)");
  run(*connection, "COMMIT");
  {
    const auto left = connect();
    run(*left, "BEGIN");
    run(*left, "INSERT INTO t VALUES (2)");
  }
  EXPECT_EQ(number(*connection, "SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, WhatIsWrongWithAStatementIsSaid) {
  const auto connection = connect();
  const auto says = [&](std::string_view sql) {
    const auto [kind, words] = failure(*connection, sql);
    EXPECT_EQ(kind, ErrorKind::invalid_argument) << words;
    EXPECT_THAT(words, ::testing::Not(HasSubstr(folder.string())));
    return words;
  };
  EXPECT_THAT(says("SELEC 1"), HasSubstr("syntax error"));
  EXPECT_THAT(says("SELECT * FROM absent"), HasSubstr("no such table: absent"));
  EXPECT_THAT(says(""), HasSubstr("no statement"));
  EXPECT_THAT(says("-- only words"), HasSubstr("no statement"));
  EXPECT_THAT(says("SELECT 1; SELECT 2"), HasSubstr("more than one"));
  EXPECT_THAT(says("SELECT ?"), HasSubstr("1 parameters and got 0"));
  EXPECT_THAT(says(std::string("SELECT 1\0 FROM", 14)), HasSubstr("zero"));
  EXPECT_THAT(says("SELECT " + std::string(kLongestSql, ' ')), HasSubstr("64 KiB"));
  EXPECT_EQ(number(*connection, "SELECT 1; -- and no more"), 1);
}

TEST_F(DatabaseTest, NothingLeadsOutOfTheFile) {
  const auto connection = connect();
  run(*connection, "CREATE TABLE t (a)");
  const std::string other = (folder / "other.db").string();
  const std::string statements[] = {
      "ATTACH '" + other + "' AS other",
      "ATTACH ':memory:' AS other",
      "DETACH main",
      "VACUUM",
      "VACUUM INTO '" + other + "'",
      "SELECT load_extension('libm.so.6')",
      "SELECT fts3_tokenizer('simple')",
      "CREATE VIRTUAL TABLE v USING fts5(a)",
      "CREATE TEMP TABLE v (a)",
      "CREATE TEMP VIEW v AS SELECT 1",
      "PRAGMA writable_schema = ON",
      "PRAGMA journal_mode = WAL",
      "PRAGMA locking_mode = EXCLUSIVE",
      "PRAGMA max_page_count = 4294967294",
      "PRAGMA temp_store_directory = '/'",
      "PRAGMA cache_size = 1000000",
      "PRAGMA mmap_size = 1000000",
      "PRAGMA trusted_schema = ON",
      "PRAGMA database_list",
      "SELECT * FROM pragma_database_list",
      "INSERT INTO sqlite_schema VALUES ('table', 'x', 'x', 0, '')",
  };
  for (const std::string& sql : statements) {
    const auto [kind, words] = failure(*connection, sql);
    EXPECT_EQ(kind, ErrorKind::invalid_argument) << sql << ": " << words;
  }
  EXPECT_THAT(failure(*connection, "VACUUM INTO '/x'").second, HasSubstr("VACUUM is not offered"));
  EXPECT_THAT(failure(*connection, "PRAGMA mmap_size").second, HasSubstr("PRAGMA mmap_size"));
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_EQ(number(*connection, "PRAGMA user_version"), 0);
  EXPECT_EQ(run(*connection, "PRAGMA table_info(t)").rows.size(), 1U);
  EXPECT_EQ(number(*connection, "PRAGMA foreign_keys"), 1);
}

TEST_F(DatabaseTest, AStatementWithoutEndIsEnded) {
  const auto connection = connect();
  constexpr std::string_view kForEver =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  const auto [kind, words] = failure(*connection, kForEver);
  EXPECT_EQ(kind, ErrorKind::deadline_exceeded);
  EXPECT_THAT(words, HasSubstr("5 s"));
  EXPECT_EQ(number(*connection, "SELECT 1"), 1);
}

TEST_F(DatabaseTest, MemoryHasABound) {
  const auto connection = connect();
  const auto [kind, words] =
      failure(*connection,
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
              "SELECT zeroblob(1000000) || i AS b FROM n ORDER BY b");
  EXPECT_EQ(kind, ErrorKind::deadline_exceeded);
  EXPECT_THAT(words, HasSubstr("memory"));
}

TEST_F(DatabaseTest, AnAnswerHasABound) {
  const auto connection = connect();
  const auto numbers = [](int rows) {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
           std::to_string(rows) + ") SELECT i FROM n";
  };
  EXPECT_EQ(run(*connection, numbers(50'000)).rows.size(), 50'000U);
  EXPECT_THAT(failure(*connection, numbers(60'000)).second, HasSubstr("4 MiB"));
  EXPECT_EQ(run(*connection, "SELECT zeroblob(1000000)").rows.size(), 1U);
  EXPECT_THAT(failure(*connection, "SELECT zeroblob(1040000), zeroblob(1000000)").second,
              HasSubstr("4 MiB"));
  EXPECT_EQ(failure(*connection, "SELECT zeroblob(2000000)").first, ErrorKind::invalid_argument);
}

TEST_F(DatabaseTest, AFullDatabaseSaysSoAndGoesOn) {
  const auto connection = connect(256_KiB);
  run(*connection, "CREATE TABLE t (a)");
  EXPECT_EQ(failure(*connection, "INSERT INTO t VALUES (zeroblob(500000))").first,
            ErrorKind::resource_exhausted);
  run(*connection, "INSERT INTO t VALUES (zeroblob(100000))");
  EXPECT_EQ(number(*connection, "SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, ATransactionThatOthersWaitForIsTakenBack) {
  const auto one = connect();
  const auto other = connect();
  run(*one, "CREATE TABLE t (a)");
  run(*one, "BEGIN IMMEDIATE");
  run(*one, "INSERT INTO t VALUES (1)");
  EXPECT_EQ(failure(*other, "INSERT INTO t VALUES (2)").first, ErrorKind::unavailable);
  EXPECT_FALSE(one->take_back(std::chrono::hours(1)));
  EXPECT_TRUE(one->take_back(std::chrono::milliseconds(0)));
  EXPECT_FALSE(one->take_back(std::chrono::milliseconds(0)));
  run(*other, "INSERT INTO t VALUES (2)");
  EXPECT_THAT(failure(*one, "INSERT INTO t VALUES (3)").second, HasSubstr("taken back"));
  EXPECT_EQ(number(*one, "SELECT sum(a) FROM t"), 2);
}

TEST_F(DatabaseTest, AStoreIsNoDatabaseAndNamesDoNotMeet) {
  ASSERT_TRUE(stores->open({.name = "shop"}).value()->write({{"a", to_buffer("1")}}).ok());
  EXPECT_EQ(number(*connect(), "SELECT count(*) FROM sqlite_schema"), 0);
  const auto as_database = stores->connect({.file = folder / "stores" / "shop.sqlite"});
  ASSERT_FALSE(as_database.ok());
  EXPECT_THAT(as_database.error().describe(), HasSubstr("key-value store"));
  std::ofstream(folder / "junk.db") << std::string(5000, 'x');
  EXPECT_EQ(stores->connect({.file = folder / "junk.db"}).error().kind(), ErrorKind::corrupt_data);
}

TEST_F(DatabaseTest, ItIsMadeForItsUserAlone) {
  run(*connect(), "CREATE TABLE t (a)");
  const auto permissions = std::filesystem::status(folder / "stores" / "shop.db").permissions();
  EXPECT_EQ(permissions, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace quern::store
