// Which requests are answered without a key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quern::apphost {

// `target`: path and query as the client sent them. `open`: exact paths, or prefixes ending in "*",
// each for every method or, as in "OPTIONS /v1/*", for one.
bool is_open(std::string_view method, std::string_view target,
             const std::vector<std::string>& open);

}  // namespace quern::apphost
