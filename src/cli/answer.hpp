// Reads one generation to its end on the calling thread.
#pragma once

#include "inference/inference.hpp"

#include <functional>
#include <stop_token>

namespace quern::cli {

// Calls `show` with every event but the last, which is returned. When stopped, cancels and returns
// what there is: Finished, or `cancelled`.
Result<inference::Finished> read_answer(inference::Generation& generation,
                                        const std::stop_token& stop,
                                        const std::function<void(const inference::Event&)>& show);

}  // namespace quern::cli
