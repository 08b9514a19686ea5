#include "guestapi/config_host.hpp"

#include "guestapi/guest_instance.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::size_t kLongestName = 256;

using Answer = void (*)(const GuestInstance&, wasm::ValueReader, wasm::ValueWriter&);

wasm::HostFunction function(Answer answer) {
  return [answer](std::unique_ptr<wasm::HostCall> call) {
    const auto* const guest = dynamic_cast<const GuestInstance*>(call->state().get());
    if (guest == nullptr) return call->trap("this guest was given no configuration at all");
    wasm::ValueWriter out;
    answer(*guest, call->arguments(), out);
    call->resolve(out);
  };
}

// result<option<string>, error>
void get(const GuestInstance& guest, wasm::ValueReader in, wasm::ValueWriter& out) {
  const std::string* const value = guest.config_value(in.text());
  out.present(true).present(value != nullptr);
  if (value != nullptr) out.text(*value);
}

// result<list<tuple<string, string>>, error>
void get_all(const GuestInstance& guest, wasm::ValueReader /*in*/, wasm::ValueWriter& out) {
  out.present(true).count(guest.config.size());
  for (const auto& [name, value] : guest.config) out.text(name).text(value);
}

// As Spin names variables: words of lower-case letters and digits with one underscore between them,
// the first beginning with a letter.
bool is_variable(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto inner = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= kLongestName && letter(name.front()) &&
         name.back() != '_' && std::all_of(name.begin(), name.end(), inner) &&
         name.find("__") == std::string_view::npos;
}

// result<string, error>: invalid-name, undefined
void get_variable(const GuestInstance& guest, wasm::ValueReader in, wasm::ValueWriter& out) {
  const std::string_view name = in.text();
  if (!is_variable(name)) {
    out.present(false).discriminant(0);
    out.text("a variable's name has lower-case letters, digits and single underscores");
    return;
  }
  const std::string* const value = guest.config_value(name);
  if (value != nullptr) {
    out.present(true).text(*value);
    return;
  }
  out.present(false).discriminant(1);
  out.text("the variable \"" + std::string(name) +
           "\" is not granted; the manifest would need: [config] " + std::string(name) +
           " = \"...\"");
}

}  // namespace

std::vector<wasm::HostInterface> config_interfaces() {
  std::vector<wasm::HostInterface> all;
  for (const char* const version : {"0.2.0-rc.1", "0.2.0-draft-2024-09-27", "0.2.0-draft"}) {
    all.push_back({.name = std::string("wasi:config/store@") + version,
                   .functions = {{"get", function(get)}, {"get-all", function(get_all)}},
                   .resources = {}});
  }
  all.push_back({.name = "fermyon:spin/variables@2.0.0",
                 .functions = {{"get", function(get_variable)}},
                 .resources = {}});
  return all;
}

}  // namespace quern::guestapi
