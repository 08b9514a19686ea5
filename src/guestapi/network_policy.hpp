// The answer to every question a guest's network use raises, from its grants.
#pragma once

#include "base/result.hpp"
#include "wasm/sandbox.hpp"

#include <memory>
#include <string>
#include <vector>

namespace quern::guestapi {

// Also where nothing is granted: then it says no to everything. invalid_argument for a pattern that
// does not read. Denials are permission_denied and name the missing grant.
Result<std::shared_ptr<wasm::NetworkPolicy>> make_network_policy(
    const std::vector<std::string>& net, const std::vector<std::string>& listen);

// What parse_grants checks of each entry.
Result<> check_net_entry(std::string_view entry);
Result<> check_listen_entry(std::string_view entry);

}  // namespace quern::guestapi
