#include "plugins/component_guest.hpp"

#include "base/text.hpp"

namespace quern::plugins {
namespace {

constexpr std::string_view kFilter = "quern:log/filter@0.1.0";
constexpr std::size_t kLongestComplaint = 1000;

}  // namespace

Result<std::unique_ptr<ComponentGuest>> ComponentGuest::begin(const ComponentPlace& place) {
  wasm::Sandbox sandbox = TRY(place.api.sandbox(
      place.options.grants,
      {.tenant = "pipe:" + place.options.name, .meter = {}, .account = place.tokens.account}));
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
