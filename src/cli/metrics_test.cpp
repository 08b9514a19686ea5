#include "cli/metrics.hpp"

#include <gtest/gtest.h>

namespace quern::cli {
namespace {

TEST(Metrics, NamesTypesAndValues) {
  Metrics metrics{.app = "chat"};
  metrics.counts.requests = 7;
  metrics.instances = 2;
  metrics.models = {
      {"a", {.running = 3}},
      {"b", {.running = 0, .waiting = 5, .texts_waiting = 9, .embedded_tokens_total = 11}}};
  const std::string page = prometheus_text(metrics);
  EXPECT_NE(
      page.find("# TYPE quern_requests_total counter\nquern_requests_total{app=\"chat\"} 7\n"),
      std::string::npos);
  EXPECT_NE(page.find("quern_instances 2\n"), std::string::npos);
  EXPECT_NE(page.find("quern_model_running{model=\"a\"} 3\nquern_model_running{model=\"b\"} 0\n"),
            std::string::npos)
      << "all samples of a family stand together";
  EXPECT_NE(page.find("quern_model_waiting{model=\"b\"} 5\n"), std::string::npos);
  EXPECT_NE(page.find("quern_model_texts_waiting{model=\"b\"} 9\n"), std::string::npos);
  EXPECT_NE(page.find("quern_model_embedded_tokens_total{model=\"b\"} 11\n"), std::string::npos);
}

TEST(Metrics, LeavesModelsOutWhereThereAreNone) {
  EXPECT_EQ(prometheus_text({.app = "x"}).find("quern_model"), std::string::npos);
}

}  // namespace
}  // namespace quern::cli
