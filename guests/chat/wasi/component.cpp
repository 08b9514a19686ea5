// The component's entry: wasi:http/incoming-handler. Builds the world out of the imports and
// hands over to server.hpp.
#include "asset_table.hpp"
#include "http_exchange.hpp"
#include "llm_host.hpp"
#include "origin.hpp"
#include "server.hpp"

namespace {

using namespace quern::chat;

std::string environment(std::string_view name) {
  quern_list_tuple2_string_string_t entries;
  wasi_cli_environment_get_environment(&entries);
  std::string value;
  for (std::size_t i = 0; i < entries.len; ++i) {
    if (wasi::copied(entries.ptr[i].f0) == name) value = wasi::copied(entries.ptr[i].f1);
  }
  quern_list_tuple2_string_string_free(&entries);
  return value;
}

std::uint64_t seconds_since_1970() {
  wasi_clocks_wall_clock_datetime_t now;
  wasi_clocks_wall_clock_now(&now);
  return now.seconds;
}

}  // namespace

extern "C" void exports_wasi_http_incoming_handler_handle(
    exports_wasi_http_incoming_handler_own_incoming_request_t raw_request,
    exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  const wasi::IncomingRequest request(raw_request);
  const Request head = wasi::read_head(request);
  wasi::WasiBody body(request);
  wasi::HostModels models;
  World world{.models = models,
              .body = body,
              .assets = asset_table(),
              .allowed_origins = parse_origins(environment("QUERN_CORS_ORIGINS")),
              .now_s = seconds_since_1970(),
              .random = wasi_random_random_get_random_u64()};
  wasi::WasiResponder responder(out);
  serve(head, world, responder);
}
