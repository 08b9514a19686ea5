// Inputs behind TLS: peers that agree on it, and peers that do not, cannot or will not.
#include "http/stream.hpp"
#include "http/test_support.hpp"

#include "inputs/test_input.hpp"
#include <gtest/gtest.h>

#include <array>
#include <string>

namespace quern::inputs {
namespace {

using namespace std::chrono_literals;
using test::eventually;

struct Kind {
  std::string type;
  std::string message;  // with one line, "hello"
};

class TlsInput : public ::testing::TestWithParam<Kind> {
 protected:
  std::string toml() const {
    return "type = \"" + GetParam().type + "\"\nlisten = \"127.0.0.1:0\"\ntls_certificate = \"" +
           files_.certificate.string() + "\"\ntls_key = \"" + files_.key.string() + "\"\n";
  }
  std::uint16_t port() const { return in_.port(GetParam().type + "_port"); }
  double tls_failed() const { return in_.figure(GetParam().type + "_tls_failed_total"); }
  auto connect(const std::filesystem::path& ca, const std::string& host = "localhost") const {
    return http::connect_stream({.host = host, .port = port(), .tls = true, .ca_file = ca},
                                Deadline::in(20s), {});
  }
  void send_over_tls(std::size_t expected) const {
    const auto stream = connect(files_.certificate);
    ASSERT_TRUE(stream.ok()) << stream.error().describe();
    EXPECT_TRUE((*stream)->write(as_bytes(GetParam().message), Deadline::in(20s), {}).ok());
    EXPECT_TRUE(eventually([&] { return in_.sink.size() == expected; }));
  }

  const http::test::TempFolder folder_;
  const http::TlsFiles files_ = http::test::make_certificate(folder_.path(), "localhost");
  test::MadeInput in_{toml()};
};

TEST_P(TlsInput, TakesFromWhoTrustsIt) {
  ASSERT_EQ(in_.error, "");
  send_over_tls(1);
  EXPECT_EQ(tls_failed(), 0);
}

TEST_P(TlsInput, AClientThatDoesNotTrustItGoesAndIsCounted) {
  const http::test::TempFolder elsewhere;
  const http::TlsFiles other = http::test::make_certificate(elsewhere.path(), "localhost");
  const auto stranger = connect(other.certificate);
  ASSERT_FALSE(stranger.ok());
  EXPECT_NE(stranger.error().describe().find("not trusted"), std::string::npos)
      << stranger.error().describe();
  EXPECT_TRUE(eventually([&] { return tls_failed() == 1; }));
  // Another name than the certificate's.
  EXPECT_FALSE(connect(files_.certificate, "127.0.0.1").ok());
  EXPECT_TRUE(eventually([&] { return tls_failed() == 2; }));
  send_over_tls(1);
}

TEST_P(TlsInput, PlainTextIsNoRecord) {
  http::test::RawClient plain(port());
  plain.send(GetParam().message);
  EXPECT_TRUE(plain.closed_within(5s));
  EXPECT_TRUE(eventually([&] { return tls_failed() == 1; }));
  send_over_tls(1);
}

TEST_P(TlsInput, AHandshakeThatNeverEndsHoldsUpNobodyNorTheEnd) {
  http::test::RawClient silent(port());
  http::test::RawClient half(port());
  half.send("\x16\x03\x01\x02");
  send_over_tls(1);
  in_.stop();
  EXPECT_TRUE(in_.result.ok());
  EXPECT_EQ(in_.sink.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(
    All, TlsInput,
    ::testing::Values(Kind{"forward", std::string("\x93\xa1t\x01\x81\xa3log\xa5hello")},
                      Kind{"syslog", "<34>1 2026-11-23T01:02:03Z host app 77 ID1 - hello\n"}),
    [](const auto& one) { return one.param.type; });

}  // namespace
}  // namespace quern::inputs
