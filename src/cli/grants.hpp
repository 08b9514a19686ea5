// From --dir, --env, --net ... and a manifest to the grants of one guest.
#pragma once

#include "base/process.hpp"
#include "cli/command.hpp"
#include "guestapi/guestapi.hpp"

namespace quern::cli {

// A command of the user's own may take its time; a service has limits for each request.
enum class Purpose : std::uint8_t { command, service };

// What the options add comes after what the manifest has; a limit on the command line replaces the
// manifest's. invalid_argument names the option.
Result<guestapi::Grants> make_grants(const GrantOptions& options, Purpose purpose,
                                     const Process& process);

// The chat server's own. Its answers may take as long as the model needs: tokens, the context and
// the client's presence bound them.
guestapi::Grants chat_grants(const ServerOptions& options);

// "HOST[::GUEST][:ro]"; the guest sees it under the same name when none is given.
Result<wasm::Directory> parse_directory(std::string_view text);

}  // namespace quern::cli
