// A program that is run to its end, without a shell.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace quern::insight {

// Its exit status. It reads nothing, what it writes is gone, and of the environment it has PATH
// alone. deadline_exceeded, cancelled: it was killed with all it started; unavailable: it cannot
// be started, or a signal ended it.
Result<int> run_command(const std::vector<std::string>& command, std::chrono::milliseconds time,
                        const std::stop_token& stop);

using RunCommand = std::function<Result<int>(const std::vector<std::string>&,
                                             std::chrono::milliseconds, const std::stop_token&)>;

}  // namespace quern::insight
