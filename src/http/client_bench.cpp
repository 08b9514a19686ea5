// client_bench [REQUESTS]: what a small POST to a server of this process costs, each on a
// connection of its own and on one that is kept; plain and with TLS.
#include "http/http.hpp"
#include "http/test_support.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

namespace {

using namespace quern;

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

bool post(Network& network, const std::string& url) {
  Buffer body(1024, std::byte{'x'});
  SendRequest request{.method = "POST", .url = url, .body_bytes = body.size()};
  request.body = [&]() -> Result<Buffer> { return std::move(body); };
  const Result<SendAnswer> answer = network.send(request, {});
  return answer.ok() && answer->status == 204;
}

void measure(int requests, bool tls, std::uint32_t idle_connections) {
  const http::test::TempFolder folder;
  const http::TlsFiles files = http::test::make_certificate(folder.path(), "localhost");
  http::ServerOptions options;
  if (tls) options.tls = files;
  http::test::TestServer server(
      [](const std::shared_ptr<http::Exchange>& exchange) {
        http::test::read_all(exchange, [exchange](const Result<std::string>&) {
          exchange->respond(204, "text/plain", "");
        });
      },
      options);
  const auto network =
      http::make_client({.idle_connections = idle_connections, .ca_file = files.certificate});
  const std::string url = server.url("/", tls);
  int failed = 0;
  const double processor = processor_seconds();
  const auto begin = std::chrono::steady_clock::now();
  for (int n = 0; n < requests; ++n) failed += post(*network, url) ? 0 : 1;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  std::printf("%-5s %-17s %8.0f requests/s, %5.0f us of processor each (both sides), %d failed\n",
              tls ? "https" : "http", idle_connections == 0 ? "a connection each" : "kept",
              requests / taken.count(), (processor_seconds() - processor) * 1e6 / requests, failed);
}

}  // namespace

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 2000;
  for (const bool tls : {false, true}) {
    for (const std::uint32_t idle : {0U, 4U}) measure(requests, tls, idle);
  }
  return 0;
}
