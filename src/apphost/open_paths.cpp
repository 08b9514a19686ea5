#include "apphost/open_paths.hpp"

#include <algorithm>

namespace quern::apphost {

namespace {

bool opens(std::string_view entry, std::string_view method, std::string_view path) {
  const std::size_t blank = entry.find(' ');
  if (blank != std::string_view::npos) {
    if (entry.substr(0, blank) != method) return false;
    entry.remove_prefix(blank + 1);
  }
  return entry.ends_with('*') ? path.starts_with(entry.substr(0, entry.size() - 1)) : path == entry;
}

}  // namespace

bool is_open(std::string_view method, std::string_view target,
             const std::vector<std::string>& open) {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  // What a guest might normalise into another path is not open, whatever it begins with.
  for (const std::string_view odd : {"..", "//", "\\", "%"}) {
    if (path.find(odd) != std::string_view::npos) return false;
  }
  return path.starts_with('/') &&
         std::any_of(open.begin(), open.end(),
                     [&](std::string_view entry) { return opens(entry, method, path); });
}

}  // namespace quern::apphost
