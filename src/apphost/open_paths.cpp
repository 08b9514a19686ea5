#include "apphost/open_paths.hpp"

#include <algorithm>

namespace quern::apphost {

bool is_open(std::string_view target, const std::vector<std::string>& open) {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  // What a guest might normalise into another path is not open, whatever it begins with.
  for (const std::string_view odd : {"..", "//", "\\", "%"}) {
    if (path.find(odd) != std::string_view::npos) return false;
  }
  return path.starts_with('/') && std::any_of(open.begin(), open.end(), [&](std::string_view may) {
           return may.ends_with('*') ? path.starts_with(may.substr(0, may.size() - 1))
                                     : path == may;
         });
}

}  // namespace quern::apphost
