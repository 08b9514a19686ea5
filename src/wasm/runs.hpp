// Runs and HTTP exchanges on the bridge. Internal to wasm/.
#pragma once

#include "wasm/bridge/bridge.h"
#include "wasm/http_exchange.hpp"
#include "wasm/instance.hpp"
#include "wasm/wasm.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quern::wasm {

std::unique_ptr<Running> start_run(const qb_linked* linked, Sandbox sandbox,
                                   std::function<void(Result<int>)> done);
// Functions are called by name, with one text for each argument, or as "add(1, 2)" with none.
// What does not fit is told to `done` at once. This one is of a module:
std::unique_ptr<Running> start_invoke(const qb_linked* linked, Sandbox sandbox,
                                      const std::string& function,
                                      const std::vector<std::string>& arguments,
                                      std::function<void(Result<Invoked>)> done);
// And this of a component.
std::unique_ptr<Running> start_call(const qb_linked* linked, Sandbox sandbox,
                                    const std::string& function,
                                    const std::vector<std::string>& arguments,
                                    std::function<void(Result<Invoked>)> done);
std::unique_ptr<HttpExchange> start_exchange(const qb_linked* linked, Sandbox sandbox,
                                             const HttpRequest& request,
                                             std::shared_ptr<HttpResponseSink> sink);

std::unique_ptr<Running> start_replay(const qb_engine* engine, const qb_program* program,
                                      const std::filesystem::path& recording, Sandbox sandbox,
                                      std::function<void(Result<Replayed>)> done);

// Fills the callbacks run_*, sink_* and body_*.
void set_run_callbacks(qb_callbacks& callbacks);

}  // namespace quern::wasm
