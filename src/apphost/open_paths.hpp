// Which targets are answered without a key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quern::apphost {

// `target`: path and query as the client sent them. `open`: exact paths, or prefixes ending in "*".
bool is_open(std::string_view target, const std::vector<std::string>& open);

}  // namespace quern::apphost
