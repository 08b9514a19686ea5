// Values of the configuration that stand in no manifest: read once, when the grants are made, and
// from then on held like every other value.
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

Result<> read_secrets(Grants& grants, const Process& process, Files& files) {
  for (const Secret& secret : grants.secrets) {
    auto value = TRY(read_one(secret, process, files).context("[config] " + secret.name));
    grants.config.insert_or_assign(secret.name, std::move(value));
  }
  grants.secrets.clear();
  return {};
}

}  // namespace quern::guestapi
