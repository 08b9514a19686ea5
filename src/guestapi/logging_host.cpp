#include "guestapi/logging_host.hpp"

#include <array>
#include <memory>
#include <string>

namespace quern::guestapi {
namespace {

constexpr std::array<std::string_view, 6> kLevels = {"trace", "debug", "info",
                                                     "warn",  "error", "critical"};

struct Line {
  wasm::Stream stream;
  std::string text;
};

Result<Line> line_of(std::uint32_t level, std::string_view context, std::string_view message) {
  if (level >= kLevels.size()) {
    return fail(ErrorKind::guest_trap,
                "wasi:logging: no level has the number " + std::to_string(level));
  }
  const bool out = context.empty() || context == "stdout";
  std::string text = "[" + std::string(kLevels[level]) + "] ";
  if (!out && context != "stderr") text.append(context).append(": ");
  text.append(message).append("\n");
  return Line{out ? wasm::Stream::out : wasm::Stream::err, std::move(text)};
}

Result<wasm::RawStatus> log(wasm::RawCall& call) {
  const auto argument = [&](std::size_t index) {
    return static_cast<std::uint32_t>(call.argument(index));
  };
  const std::string_view context = TRY(call.memory().text(argument(1), argument(2)));
  const std::string_view message = TRY(call.memory().text(argument(3), argument(4)));
  const Line line = TRY(line_of(argument(0), context, message));
  call.print(line.stream, line.text);
  return wasm::RawStatus::done;
}

void log_of_component(std::unique_ptr<wasm::HostCall> call) {
  auto in = call->arguments();
  const std::uint32_t level = in.discriminant();
  const std::string_view context = in.text();
  const auto line = line_of(level, context, in.text());
  if (!line.ok()) return call->trap(line.error().message());
  call->print(line->stream, line->text);
  call->resolve({});
}

}  // namespace

wasm::RawFunction logging_function() {
  return {.module = "wasi:logging/logging",
          .name = "log",
          .parameters = std::vector(5, wasm::RawType::i32),
          .results = {},
          .call = log};
}

std::vector<wasm::HostInterface> logging_interfaces() {
  std::vector<wasm::HostInterface> all;
  for (const char* const name : {"wasi:logging/logging", "wasi:logging/logging@0.1.0-draft"}) {
    all.push_back({.name = name, .functions = {{"log", log_of_component}}, .resources = {}});
  }
  return all;
}

}  // namespace quern::guestapi
