// Configuration as components import it: `wasi:config/store` (0.2.0-rc.1 and two drafts) and
// `fermyon:spin/variables@2.0.0`. The values are those of the manifest's [config] and of --config;
// what they are is never logged.
#pragma once

#include "wasm/host.hpp"

#include <vector>

namespace quern::guestapi {

std::vector<wasm::HostInterface> config_interfaces();

}  // namespace quern::guestapi
