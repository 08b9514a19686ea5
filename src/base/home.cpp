// The directories follow the XDG Base Directory Specification:
// https://specifications.freedesktop.org/basedir-spec/latest/
#include "base/home.hpp"

#include "base/text.hpp"

namespace quern {
namespace {

using std::filesystem::path;

// The specification says to ignore a relative path.
path xdg(const Process& process, std::string_view variable, const path& fallback) {
  const path named = process.env(variable).value_or("");
  return named.is_absolute() ? named : fallback;
}

}  // namespace

Result<Home> find_home(const Process& process) {
  Home home;
  const std::optional<std::string> own = process.env("QUERN_HOME");
  const std::optional<std::string> user = process.env("HOME");
  if (own) {
    home.data = std::filesystem::absolute(*own);
    home.code = home.data / "code";
  } else if (user) {
    home.data = xdg(process, "XDG_DATA_HOME", path(*user) / ".local/share") / "quern";
    home.code = xdg(process, "XDG_CACHE_HOME", path(*user) / ".cache") / "quern/code";
  } else {
    return fail(ErrorKind::unavailable,
                "there is no place to keep models: neither HOME nor QUERN_HOME is set");
  }
  home.models = home.data / "models";
  home.history = home.data / "chat-history";
  home.stores = home.data / "stores";
  const std::string more = process.env("QUERN_MODELS").value_or("");
  for (const std::string_view place : split(more, ':')) {
    if (!place.empty()) home.more_models.emplace_back(place);
  }
  return home;
}

}  // namespace quern
