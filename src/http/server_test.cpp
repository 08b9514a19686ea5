#include "http/http.hpp"

#include <gtest/gtest.h>
TEST(Server, starts) {
  struct H : quern::http::Handler {
    void handle(std::shared_ptr<quern::http::Exchange> e) override {
      e->respond(200, "text/plain", "hello");
    }
  } h;
  auto s = quern::http::Server::listen({}, h);
  ASSERT_TRUE(s.ok());
  printf("%d\n", (*s)->port());
}
