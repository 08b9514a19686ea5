// Values of the configuration. Those that stand in no manifest are read once, when the grants are
// made, and from then on held like every other value.
#include "base/text.hpp"
#include "guestapi/guestapi.hpp"

#include <utility>

namespace quern::guestapi {
namespace {

constexpr Bytes kLongestSecret = 32_KiB;  // as a value in the manifest

Result<std::string> read_one(const Secret& secret, const Process& process, Files& files) {
  if (secret.file.empty()) {
    auto value = process.env(secret.variable);
    if (value) return *std::move(value);
    return fail(ErrorKind::not_found, "the variable " + secret.variable + " is not set");
  }
  const Buffer text = TRY(files.read(secret.file, kLongestSecret));
  std::string value(as_text(text));
  while (value.ends_with('\n') || value.ends_with('\r')) value.pop_back();
  return value;
}

}  // namespace

Result<> set_config(Grants& grants, std::string_view name, std::string value) {
  if (!is_utf8(value)) return fail(ErrorKind::invalid_argument, "the value is not UTF-8 text");
  grants.config.insert_or_assign(std::string(name), std::move(value));
  return {};
}

Result<> read_secrets(Grants& grants, const Process& process, Files& files) {
  for (const Secret& secret : grants.secrets) {
    const auto read = [&]() -> Result<> {
      return set_config(grants, secret.name, TRY(read_one(secret, process, files)));
    };
    TRY(read().context("[config] " + secret.name));
  }
  grants.secrets.clear();
  return {};
}

}  // namespace quern::guestapi
