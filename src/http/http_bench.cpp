// http_bench [SECONDS] [CONNECTIONS] [THREADS]: keep-alive requests per second of the http room
// alone, with a handler that answers at once. On a busy machine wrk's number says little; the last
// line, requests per second of CPU time that the server used, is the room's own. Drives it with wrk
// where wrk is installed; without it, serves until its input ends, for a load generator of your
// own.
#include "http/http.hpp"

#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

struct Hello final : quern::http::Handler {
  void handle(std::shared_ptr<quern::http::Exchange> exchange) override {
    ++count;
    exchange->respond(200, "text/plain", "Hello, world!\n");
  }
  std::atomic<std::uint64_t> count{0};
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string seconds = argc > 1 ? argv[1] : "3";
  const std::string connections = argc > 2 ? argv[2] : "64";
  Hello hello;
  const auto threads = static_cast<std::uint32_t>(argc > 3 ? std::atoi(argv[3]) : 1);
  auto server = quern::http::Server::listen({.threads = threads}, hello);
  if (!server.ok()) {
    std::cerr << server.error().describe() << "\n";
    return 1;
  }
  const std::string url = "http://127.0.0.1:" + std::to_string((*server)->port()) + "/";
  if (std::system("command -v wrk > /dev/null") == 0) {
    const std::string command = "wrk -t1 -c" + connections + " -d" + seconds + "s --latency " + url;
    const double before = cpu_seconds();
    const int status = std::system(command.c_str());
    const double used = cpu_seconds() - before;
    std::cout << hello.count << " requests in " << used
              << " s of CPU: " << static_cast<double>(hello.count) / used
              << " per second of one core\n";
    return status == 0 ? 0 : 1;
  }
  std::cout << url << std::endl;
  std::cin.ignore(1'000'000, EOF);
  return 0;
}
