// Sign-ins for registries, from the file where docker and its kin keep them.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace quern::package {

// "Basic ..." for this registry; empty when the file knows nothing of it. corrupt_data: no JSON;
// unsupported: a helper program has the password, and such programs are not run from here.
Result<std::string> sign_in_for(std::string_view docker_config, std::string_view registry);

}  // namespace quern::package
