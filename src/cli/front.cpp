#include "cli/front.hpp"

namespace quern::cli {
namespace {

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::string_view header(const http::RequestHead& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace

void Front::handle(std::shared_ptr<http::Exchange> exchange) {
  http::Handler* const app = app_.load();
  if (!names_.allow(exchange->request().authority)) {
    exchange->respond(
        403, kJson,
        R"({"error":{"message":"this server does not answer under the name in the Host header; )"
        R"(quern --allow-host NAME lets it","type":"invalid_request_error",)"
        R"("param":null,"code":"unknown_host"}})");
  } else if (app == nullptr) {
    exchange->respond(
        503, kJson,
        R"({"error":{"message":"Quern is still starting; try again in a second","type":"server_error",)"
        R"("param":null,"code":"loading"}})",
        {{"retry-after", "1"}});
  } else if (path_of(exchange->request().target) == "/metrics") {
    answer_metrics(*exchange);
  } else if (const std::string ailment = ailment_for(exchange->request()); !ailment.empty()) {
    exchange->respond(503, kJson, ailment);
  } else {
    app->handle(std::move(exchange));
  }
}

std::string Front::ailment_for(const http::RequestHead& request) const {
  return path_of(request.target) == "/health" ? insight_.ailment() : std::string();
}

void Front::answer_metrics(http::Exchange& exchange) {
  const http::RequestHead& request = exchange.request();
  if (request.method != "GET" && request.method != "HEAD") {
    exchange.respond(405, "text/plain", "only GET\n", {{"allow", "GET, HEAD"}});
    return;
  }
  if (keys_.required() && !keys_.authorize(header(request, "authorization"))) {
    exchange.respond(401, "text/plain", "an API key is needed\n", {{"www-authenticate", "Bearer"}});
    return;
  }
  exchange.respond(200, kPrometheus, insight_.metrics());
}

}  // namespace quern::cli
