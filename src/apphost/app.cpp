#include "apphost/app_request.hpp"
#include "apphost/apphost.hpp"
#include "apphost/guest_log.hpp"
#include "apphost/open_paths.hpp"
#include "apphost/refusal.hpp"

#include <atomic>
#include <utility>

namespace quern::apphost {
namespace {

// What `authorization` says; several of it say nothing that could be trusted.
Result<std::string_view> authorization_of(const http::RequestHead& head) {
  std::string_view found;
  for (const auto& [name, value] : head.headers) {
    if (name != "authorization") continue;
    if (!found.empty()) {
      return fail(ErrorKind::permission_denied, "more than one Authorization header");
    }
    found = value;
  }
  return found;
}

}  // namespace

struct App::Impl {
  Impl(AppOptions given, const guestapi::GuestApi& host) : options(std::move(given)), api(host) {}

  // The tenant that this request runs as.
  Result<std::string> admit(const http::RequestHead& head) const {
    if (!options.keys.required() || is_open(head.method, head.target, options.open_paths))
      return options.name;
    return options.keys.authorize(TRY(authorization_of(head)));
  }

  std::uint32_t most_requests(const http::Exchange& exchange) const {
    const http::RequestHead& head = exchange.request();
    const bool light =
        !exchange.has_body() && is_open(head.method, head.target, options.open_paths);
    return options.max_requests + (light ? options.spare_requests : 0);
  }

  void count(Outcome outcome) {
    --in_progress;
    if (outcome == Outcome::refused) ++refused;
    if (outcome == Outcome::failed) ++failed;
    if (outcome == Outcome::abandoned) ++abandoned;
  }

  const AppOptions options;
  const guestapi::GuestApi& api;
  // Shared: requests outlive their App.
  const std::shared_ptr<ByteBudget> budget = std::make_shared<ByteBudget>(options.max_body_bytes);
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> abandoned{0};
  std::atomic<std::uint32_t> in_progress{0};
  std::atomic<std::uint64_t> prompt_tokens{0};
  std::atomic<std::uint64_t> completion_tokens{0};
};

App::App(AppOptions options, const guestapi::GuestApi& api)
    : impl_(std::make_shared<Impl>(std::move(options), api)) {}
App::~App() = default;

void App::handle(std::shared_ptr<http::Exchange> exchange) {
  Impl& impl = *impl_;
  ++impl.requests;
  const std::uint32_t before = impl.in_progress++;
  const std::uint64_t number = exchange->request().number;
  RequestInfo info{.app = impl.options.name,
                   .number = number,
                   .id = exchange->request().id,
                   .hide_authorization = impl.options.keys.required(),
                   .budget = impl.budget,
                   .over = [shared = impl_](Outcome outcome) { shared->count(outcome); }};
  const http::RequestHead& head = exchange->request();
  const auto request = std::make_shared<AppRequest>(std::move(info), exchange);
  const auto tenant = impl.admit(head);
  if (!tenant.ok()) return request->refuse(bad_key(tenant.error()));
  if (before >= impl.most_requests(*exchange)) return request->refuse(too_many_requests());
  auto sandbox = impl.api.sandbox(
      impl.options.grants,
      {.tenant = *tenant, .request = number, .meter = [shared = impl_](const auto& usage) {
         shared->prompt_tokens += usage.prompt_tokens;
         shared->completion_tokens += usage.completion_tokens;
       }});
  if (!sandbox.ok()) {  // the manifest's fault, not the client's
    return request->fail({ErrorKind::internal, sandbox.error().describe()});
  }
  sandbox->log_tag = "[req " + std::to_string(number) + "] ";
  if (impl.options.record) {
    sandbox->record = impl.options.record;
    sandbox->record->file += std::to_string(number) + ".rec";
  }
  sandbox->out = std::make_shared<GuestLog>(number);
  sandbox->err = std::make_shared<GuestLog>(number);
  request->start(*impl.options.program, *std::move(sandbox));
}

AppCounts App::counts() const {
  const Impl& impl = *impl_;
  return {.requests = impl.requests,
          .refused = impl.refused,
          .failed = impl.failed,
          .abandoned = impl.abandoned,
          .in_progress = impl.in_progress,
          .prompt_tokens = impl.prompt_tokens,
          .completion_tokens = impl.completion_tokens};
}

}  // namespace quern::apphost
