#include "guestapi/logging_host.hpp"

#include <array>
#include <string>

namespace quern::guestapi {
namespace {

constexpr std::array<std::string_view, 6> kLevels = {"trace", "debug", "info",
                                                     "warn",  "error", "critical"};

Result<wasm::RawStatus> log(wasm::RawCall& call) {
  const auto argument = [&](std::size_t index) {
    return static_cast<std::uint32_t>(call.argument(index));
  };
  if (argument(0) >= kLevels.size()) {
    return fail(ErrorKind::guest_trap,
                "wasi:logging: no level has the number " + std::to_string(argument(0)));
  }
  const std::string_view context = TRY(call.memory().text(argument(1), argument(2)));
  const std::string_view message = TRY(call.memory().text(argument(3), argument(4)));
  const bool out = context.empty() || context == "stdout";
  std::string line = "[" + std::string(kLevels[argument(0)]) + "] ";
  if (!out && context != "stderr") line.append(context).append(": ");
  line.append(message).append("\n");
  call.print(out ? wasm::Stream::out : wasm::Stream::err, line);
  return wasm::RawStatus::done;
}

}  // namespace

wasm::RawFunction logging_function() {
  return {.module = "wasi:logging/logging",
          .name = "log",
          .parameters = std::vector(5, wasm::RawType::i32),
          .results = {},
          .call = log};
}

}  // namespace quern::guestapi
