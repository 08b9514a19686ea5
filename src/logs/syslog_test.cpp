#include "logs/msgpack.hpp"
#include "logs/parser.hpp"
#include <gtest/gtest.h>

namespace quern::logs {
namespace {

constexpr EventTime kNow{.seconds = 1'795'340'401};  // 2026-11-22T09:40:01Z

std::string parsed(std::string_view text) {
  const Result<Parsed> got = parse_syslog(text, kNow);
  if (!got.ok()) return "NO";
  std::string json = got->time ? iso8601(*got->time) + " " : "";
  EXPECT_TRUE(msgpack::to_json(got->record, json).ok());
  return json;
}

TEST(Syslog, TheNewFormWithStructuredData) {
  EXPECT_EQ(parsed("<165>1 2003-10-11T22:14:15.003Z host.example evntslog - ID47 "
                   "[exampleSDID@32473 iut=\"3\" eventSource=\"a \\\"b\\\" \\]\"][b@1] "
                   "\xef\xbb\xbf"
                   "An event"),
            R"(2003-10-11T22:14:15.003000000Z {"facility":"local4","severity":"notice",)"
            R"("hostname":"host.example","appname":"evntslog","msgid":"ID47","structured_data":)"
            R"({"exampleSDID@32473":{"iut":"3","eventSource":"a \"b\" ]"},"b@1":{}},)"
            R"("message":"An event"})");
  EXPECT_EQ(parsed("<34>1 - - - - - -"), R"({"facility":"auth","severity":"crit","message":""})");
}

TEST(Syslog, TheOldFormAsSendersWriteIt) {
  EXPECT_EQ(parsed("<34>Oct 11 22:14:15 mymachine su: 'su root' failed\n"),
            R"(2026-10-11T22:14:15.000000000Z {"facility":"auth","severity":"crit",)"
            R"("hostname":"mymachine","appname":"su","message":"'su root' failed"})");
  EXPECT_EQ(parsed("Dec 10 06:55:46 LabSZ sshd[24200]: Invalid user a"),
            R"(2025-12-10T06:55:46.000000000Z {"hostname":"LabSZ","appname":"sshd",)"
            R"("procid":"24200","message":"Invalid user a"})");
  EXPECT_EQ(parsed("<13>2026-11-22T09:40:01+01:00 h app: x"),
            R"(2026-11-22T08:40:01.000000000Z {"facility":"user","severity":"notice",)"
            R"("hostname":"h","appname":"app","message":"x"})");
  // No host, as on /dev/log.
  EXPECT_EQ(parsed("<13>Nov 22 09:40:01 cron[7]: run"),
            R"(2026-11-22T09:40:01.000000000Z {"facility":"user","severity":"notice",)"
            R"("appname":"cron","procid":"7","message":"run"})");
  EXPECT_EQ(parsed("<13>just words"),
            R"({"facility":"user","severity":"notice","message":"just words"})");
}

TEST(Syslog, WhatIsNoneIsRefused) {
  for (const std::string_view text :
       {"", "words", "<192>x", "<>x", "<34>1 2003-10-11T22:14:15Z", "<34>1 today h a p m -",
        "<34>1 - h a p m [", "<34>1 - h a p m [x y=\"", "<34>1 - h a p m [x y]",
        "<34>1 - h a p m words"}) {
    EXPECT_EQ(parsed(text), "NO") << text;
  }
}

TEST(Syslog, MuchStructuredDataIsRefused) {
  std::string text = "<34>1 - h a p m ";
  for (int n = 0; n < 100; ++n) text += "[a@" + std::to_string(n) + "]";
  EXPECT_EQ(parsed(text + " x"), "NO");
}

}  // namespace
}  // namespace quern::logs
