#include "base/prometheus.hpp"

#include <gtest/gtest.h>

namespace quern {
namespace {

TEST(PrometheusPage, SamplesOfOneNameStandTogetherUnderItsHead) {
  PrometheusPage page;
  page.add("b_total", {{"stage", "one"}}, std::uint64_t{18'446'744'073'709'551'615U}, "Of b.");
  page.add("a_bytes", {}, 1.5);
  page.add("b_total", {{"stage", "two"}, {"kind", "x"}}, std::uint64_t{100'000}, "Told already.");
  EXPECT_EQ(page.text(),
            "# TYPE a_bytes gauge\n"
            "a_bytes 1.5\n"
            "# HELP b_total Of b.\n"
            "# TYPE b_total counter\n"
            "b_total{stage=\"one\"} 18446744073709551615\n"
            "b_total{stage=\"two\",kind=\"x\"} 100000\n");
}

TEST(PrometheusPage, LabelsAreEscaped) {
  PrometheusPage page;
  page.add("a", {{"app", "a\"b\\c\nd"}}, std::uint64_t{1});
  EXPECT_EQ(page.text(), "# TYPE a gauge\na{app=\"a\\\"b\\\\c\\nd\"} 1\n");
}

}  // namespace
}  // namespace quern
