#include "server.hpp"

#include "chat.hpp"
#include "completions.hpp"
#include "embeddings.hpp"
#include "models.hpp"
#include "origin.hpp"

#include <array>
#include <string>
#include <utility>

namespace quern::chat {
namespace {

// Adds headers to whatever answer comes.
class Decorated final : public Responder {
 public:
  Decorated(Responder& inner, Headers extra) : inner_(inner), extra_(std::move(extra)) {}

  void start(int status, const Headers& headers) override {
    Headers all = headers;
    all.insert(all.end(), extra_.begin(), extra_.end());
    inner_.start(status, all);
  }
  bool write(std::string_view bytes) override { return inner_.write(bytes); }

 private:
  Responder& inner_;
  Headers extra_;
};

enum class Verb : std::uint8_t { get, post };

// What is at a path. `handle` gets what follows the path's prefix.
struct Route {
  Verb verb;
  std::string_view path;
  bool prefix;
  void (*handle)(World& world, Responder& responder, std::string_view rest);
};

constexpr std::array kRoutes = {
    Route{Verb::get, "/health", false,
          [](World&, Responder& responder, std::string_view) {
            send(responder, json_response(R"({"status":"ok"})"));
          }},
    Route{Verb::get, "/v1/models", false,
          [](World& world, Responder& responder, std::string_view) {
            send(responder, list_models(world));
          }},
    Route{Verb::get, "/v1/models/", true,
          [](World& world, Responder& responder, std::string_view id) {
            send(responder, show_model(world, id));
          }},
    Route{Verb::post, "/v1/chat/completions", false,
          [](World& world, Responder& responder, std::string_view) {
            chat_completions(world, responder);
          }},
    Route{Verb::post, "/v1/completions", false,
          [](World& world, Responder& responder, std::string_view) {
            completions(world, responder);
          }},
    Route{
        Verb::post, "/v1/embeddings", false,
        [](World& world, Responder& responder, std::string_view) { embeddings(world, responder); }},
};

const Route* find_route(std::string_view path) {
  for (const Route& route : kRoutes) {
    const bool fits =
        route.prefix ? path.starts_with(route.path) && path != route.path : path == route.path;
    if (fits) return &route;
  }
  return nullptr;
}

// HEAD is answered as GET; the host leaves the body out.
bool allows(Verb verb, std::string_view method) {
  return verb == Verb::post ? method == "POST" : method == "GET" || method == "HEAD";
}

ApiError wrong_method(const Request& request, Verb verb) {
  ApiError error = bad_request("", "method_not_supported",
                               "Not allowed to " + request.method + " on " + request.path + ".");
  error.status = 405;
  error.allow = verb == Verb::post ? "POST" : "GET, HEAD";
  return error;
}

ApiError unknown_path(const Request& request) {
  ApiError error = bad_request("", "unknown_url",
                               "Unknown request URL: " + request.method + " " + request.path + ".");
  error.status = 404;
  return error;
}

void route(const Request& request, World& world, Responder& responder) {
  if (const Route* const route = find_route(request.path)) {
    if (!allows(route->verb, request.method)) {
      return send(responder, error_response(wrong_method(request, route->verb)));
    }
    return route->handle(world, responder,
                         std::string_view(request.path).substr(route->path.size()));
  }
  if (const Asset* const asset = find_asset(world.assets, request.path)) {
    if (!allows(Verb::get, request.method)) {
      return send(responder, error_response(wrong_method(request, Verb::get)));
    }
    return send(responder, serve_asset(*asset, request));
  }
  send(responder, error_response(unknown_path(request)));
}

}  // namespace

void serve(const Request& request, World& world, Responder& responder) {
  const OriginKind origin = classify_origin(request, world.allowed_origins);
  if (origin == OriginKind::foreign) return send(responder, error_response(foreign_origin()));
  const bool allowed = origin == OriginKind::allowed;
  if (allowed && request.method == "OPTIONS") return send(responder, preflight(request));
  Decorated decorated(responder, allowed ? sharing_headers(request) : Headers{});
  route(request, world, decorated);
}

}  // namespace quern::chat
