// From --dir, --env, --net ... and a manifest to the grants of one guest.
#pragma once

#include "base/process.hpp"
#include "cli/command.hpp"
#include "guestapi/guestapi.hpp"

namespace quern::cli {

// What the options add comes after what the manifest has; a limit on the command line replaces the
// manifest's. invalid_argument names the option.
Result<guestapi::Grants> make_grants(const GrantOptions& options, const Process& process);

// "HOST[::GUEST][:ro]"; the guest sees it under the same name when none is given.
Result<wasm::Directory> parse_directory(std::string_view text);

}  // namespace quern::cli
