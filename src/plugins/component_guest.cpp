#include "plugins/component_guest.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace quern::plugins {
namespace {

constexpr std::string_view kFilter = "quern:log/filter@0.1.0";
constexpr std::size_t kLongestComplaint = 1000;

// Grants of this instance: what the ones before it left of the tokens.
guestapi::Grants grants_of(const ComponentPlace& place) {
  guestapi::Grants grants = place.options.grants;
  if (grants.tokens == 0) return grants;
  const std::uint64_t used = std::min(place.tokens->load(), grants.tokens - 1);
  grants.tokens -= used;  // never 0, which would be no limit at all
  return grants;
}

}  // namespace

Result<std::unique_ptr<ComponentGuest>> ComponentGuest::begin(const ComponentPlace& place) {
  const guestapi::Grants grants = grants_of(place);
  wasm::Sandbox sandbox = TRY(
      place.api.sandbox(grants, {.tenant = "pipe:" + place.options.name,
                                 .meter = [tokens = place.tokens](const inference::Usage& usage) {
                                   *tokens += usage.prompt_tokens + usage.completion_tokens;
                                 }}));
  sandbox.out = place.output;
  sandbox.err = place.output;
  sandbox.log_tag = "[" + place.options.name + "] ";
  std::unique_ptr<ComponentGuest> guest(new ComponentGuest());
  guest->resident_ = TRY(place.linked->reside_component(std::move(sandbox)));
  TRY(guest->configure(place.options));
  guest->process_ = TRY(guest->resident_->find(kFilter, "process"));
  return guest;
}

Result<> ComponentGuest::configure(const ComponentOptions& options) {
  const auto configure = TRY(resident_->find(kFilter, "configure"));
  wasm::ValueWriter arguments;
  arguments.count(options.config.size());
  for (const auto& [name, value] : options.config) arguments.text(name).text(value);
  const Buffer answer = TRY(resident_->call(configure, arguments.encoded()));
  wasm::ValueReader reader(answer);
  if (reader.present()) return {};
  return fail(ErrorKind::invalid_argument,
              "the filter refuses its config: " + printable(reader.text(), kLongestComplaint));
}

Result<Buffer> ComponentGuest::process(std::string_view arguments) {
  return resident_->call(process_, as_bytes(arguments));
}

}  // namespace quern::plugins
