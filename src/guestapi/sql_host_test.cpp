// Databases as guests see them.
#include "guestapi/fakes.hpp"
#include "guestapi/test_guest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace quern::guestapi {
namespace {

using ::testing::HasSubstr;

enum Case : std::uint8_t { no_such_database, access_denied, invalid_connection, full, io };
enum Kind : std::uint8_t { integer, real, text, blob, null };

std::filesystem::path fresh_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "quern-sql-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  return name;
}

class SqlTest : public ::testing::Test {
 protected:
  ~SqlTest() override {
    guest.end();
    std::filesystem::remove_all(folder);
  }

  static Grants grants() {
    return {.stores = {},
            .databases = {{.label = "default", .place = {.name = "shop"}},
                          {.label = "lost", .place = {.file = "/no/such/folder/a.db"}}},
            .store_limit = 1_MiB};
  }
  static wasm::ValueWriter label(std::string_view name) {
    wasm::ValueWriter out;
    out.text(name);
    return out;
  }
  std::uint32_t open() const { return guest.handle("[static]connection.open", label("default")); }
  // A statement without parameters.
  Answer execute(std::uint32_t connection, std::string_view sql) const {
    wasm::ValueWriter out;
    return guest.call("[method]connection.execute", out.resource(connection).text(sql).count(0));
  }
  static Case failed(const Answer& answer, std::string& words) {
    auto in = answer.reader();
    EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
    EXPECT_FALSE(in.present());
    const auto which = static_cast<Case>(in.discriminant());
    if (which == Case::io) words = in.text();
    return which;
  }

  const std::filesystem::path folder = fresh_folder();
  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", {});
  LoadedModels models{*engine};
  GuestApi api{models, store::make_sqlite_stores(folder)};
  TestGuest guest{api, grants()};
};

TEST_F(SqlTest, ValuesCrossBothWays) {
  const std::uint32_t connection = open();
  wasm::ValueWriter out;
  out.resource(connection).text("SELECT ?1 AS a, ?2 AS b, ?3, ?4, ?5 AS e").count(5);
  out.discriminant(Kind::integer).u64(static_cast<std::uint64_t>(-7));
  out.discriminant(Kind::real).f64(0.5).discriminant(Kind::text).text("zwei");
  out.discriminant(Kind::blob).bytes(as_bytes("\1\2")).discriminant(Kind::null);
  const Answer answer = guest.call("[method]connection.execute", out);
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  ASSERT_EQ(in.count(), 5U);
  EXPECT_EQ(in.text(), "a");
  for (int i = 0; i < 3; ++i) in.text();
  EXPECT_EQ(in.text(), "e");
  ASSERT_EQ(in.count(), 1U);
  ASSERT_EQ(in.count(), 5U);
  EXPECT_EQ(in.discriminant(), Kind::integer);
  EXPECT_EQ(static_cast<std::int64_t>(in.u64()), -7);
  EXPECT_EQ(in.discriminant(), Kind::real);
  EXPECT_EQ(in.f64(), 0.5);
  EXPECT_EQ(in.discriminant(), Kind::text);
  EXPECT_EQ(in.text(), "zwei");
  EXPECT_EQ(in.discriminant(), Kind::blob);
  EXPECT_EQ(as_text(in.bytes()), "\1\2");
  EXPECT_EQ(in.discriminant(), Kind::null);
}

TEST_F(SqlTest, WhatIsNotGrantedIsDenied) {
  std::string words;
  for (const char* name : {"other", "", "shop"}) {
    EXPECT_EQ(failed(guest.call("[static]connection.open", label(name)), words),
              Case::access_denied);
  }
}

TEST_F(SqlTest, TheOwnersFilesAreNotNamed) {
  std::string words;
  EXPECT_EQ(failed(guest.call("[static]connection.open", label("lost")), words), Case::io);
  EXPECT_THAT(words, HasSubstr("host's log"));
}

TEST_F(SqlTest, ErrorsAreTheInterfacesOwn) {
  const std::uint32_t connection = open();
  std::string words;
  EXPECT_EQ(failed(execute(connection, "SELECT * FROM absent"), words), Case::io);
  EXPECT_THAT(words, HasSubstr("no such table: absent"));
  EXPECT_EQ(failed(execute(connection, "ATTACH 'x' AS x"), words), Case::io);
  EXPECT_THAT(words, HasSubstr("is not offered here"));
  EXPECT_TRUE(execute(connection, "CREATE TABLE t (a)").reader().present());
  EXPECT_TRUE(execute(connection, "INSERT INTO t VALUES (zeroblob(900000))").reader().present());
  EXPECT_EQ(failed(execute(connection, "INSERT INTO t VALUES (zeroblob(900000))"), words),
            Case::full);
}

TEST_F(SqlTest, AForgedConnectionEndsTheGuest) {
  EXPECT_EQ(execute(77, "SELECT 1").kind, Answer::Kind::trapped);
  const std::uint32_t connection = open();
  guest.drop("connection", connection);
  EXPECT_EQ(execute(connection, "SELECT 1").kind, Answer::Kind::trapped);
}

TEST_F(SqlTest, ATransactionEndsWithItsConnection) {
  const std::uint32_t one = open();
  const std::uint32_t other = open();
  EXPECT_TRUE(execute(one, "CREATE TABLE t (a)").reader().present());
  EXPECT_TRUE(execute(one, "BEGIN IMMEDIATE").reader().present());
  EXPECT_TRUE(execute(one, "INSERT INTO t VALUES (1)").reader().present());
  wasm::ValueWriter out;
  out.resource(other).text("INSERT INTO t VALUES (2)").count(0);
  const auto waits = guest.start("[method]connection.execute", out);
  EXPECT_TRUE(execute(one, "INSERT INTO t VALUES (3)").reader().present());
  guest.drop("connection", one);
  EXPECT_TRUE(waits->wait().reader().present());
  EXPECT_TRUE(execute(other, "CREATE TABLE sum AS SELECT sum(a) AS s FROM t").reader().present());
  const Answer answer = execute(other, "SELECT s FROM sum WHERE s = 2");
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  ASSERT_EQ(in.count(), 1U);
  in.text();
  EXPECT_EQ(in.count(), 1U);
}

TEST_F(SqlTest, ATransactionThatOthersWaitForIsTakenBack) {
  const std::uint32_t one = open();
  const std::uint32_t other = open();
  EXPECT_TRUE(execute(one, "CREATE TABLE t (a)").reader().present());
  EXPECT_TRUE(execute(one, "BEGIN IMMEDIATE").reader().present());
  wasm::ValueWriter out;
  out.resource(other).text("INSERT INTO t VALUES (1)").count(0);
  const auto waits = guest.start("[method]connection.execute", out);
  while (!waits->answered()) std::this_thread::yield();
  EXPECT_TRUE(waits->wait().reader().present());
  std::string words;
  EXPECT_EQ(failed(execute(one, "COMMIT"), words), Case::io);
  EXPECT_THAT(words, HasSubstr("taken back"));
}

TEST_F(SqlTest, ConnectionsHaveABound) {
  std::string words;
  for (int i = 0; i < 64; ++i) open();
  EXPECT_EQ(failed(guest.call("[static]connection.open", label("default")), words), Case::io);
  EXPECT_THAT(words, HasSubstr("64 connections"));
}

TEST_F(SqlTest, WhoLeavesWhileItWaitsIsNotAnswered) {
  TestGuest leaves{api, grants()};
  const std::uint32_t connection = leaves.handle("[static]connection.open", label("default"));
  wasm::ValueWriter out;
  out.resource(connection)
      .text(
          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
          "SELECT max(i) FROM n");
  const auto inbox = leaves.start("[method]connection.execute", out.count(0));
  leaves.end();
  EXPECT_TRUE(execute(open(), "SELECT 1").reader().present());
}

}  // namespace
}  // namespace quern::guestapi
