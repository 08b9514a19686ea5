// Calls of exported functions by name, with arguments as text.
#include "base/text.hpp"
#include "wasm/running.hpp"
#include "wasm/runs.hpp"
#include "wasm/thread_order.hpp"
#include "wasm/wave.hpp"

#include <utility>

namespace quern::wasm {
namespace {

// "add(1, 2)", taken apart; without brackets the whole is the name.
struct Written {
  std::string name;
  std::string brackets;
};

Result<Written> take_apart(const std::string& function, const std::vector<std::string>& arguments) {
  const std::size_t bracket = function.find('(');
  if (bracket == std::string::npos) return Written{.name = function, .brackets = {}};
  if (!arguments.empty()) {
    return fail(ErrorKind::invalid_argument, "arguments stand in the brackets of \"" +
                                                 printable(function, 100) +
                                                 "\" or behind it, not in both places");
  }
  return Written{.name = std::string(trim(function.substr(0, bracket))),
                 .brackets = function.substr(bracket)};
}

// The numbers of a module's call.
Result<std::vector<std::string>> between(std::string_view brackets) {
  brackets = trim(brackets);
  if (!brackets.ends_with(")")) {
    return fail(ErrorKind::invalid_argument,
                "\"" + printable(brackets, 100) + "\" has no closing bracket");
  }
  const std::string_view inside = trim(brackets.substr(1, brackets.size() - 2));
  std::vector<std::string> texts;
  if (inside.empty()) return texts;
  for (const std::string_view text : split(inside, ',')) texts.emplace_back(trim(text));
  return texts;
}

struct Call {
  std::string instance;  // of a component
  std::string name;
  std::vector<std::string> texts;  // a module's arguments
  Buffer arguments;                // a component's
  WitType result;
};

Result<Call> module_call(const std::string& function, const std::vector<std::string>& arguments) {
  const Written written = TRY(take_apart(function, arguments));
  Call call{.name = written.name, .texts = arguments};
  if (!written.brackets.empty()) call.texts = TRY(between(written.brackets));
  return call;
}

Result<Call> component_call(const qb_linked* linked, const std::string& function,
                            const std::vector<std::string>& arguments) {
  const Written written = TRY(take_apart(function, arguments));
  qb_buffer lines{};
  TRY(check(qb_linked_functions(linked, &lines)));
  WitFunction found = TRY(find_function(take_text(lines), written.name));
  Call call{.instance = found.instance, .name = found.name};
  call.arguments = TRY(written.brackets.empty() ? read_arguments(found, arguments)
                                                : read_call(found, written.brackets));
  call.result = std::move(found.result);
  return call;
}

std::unique_ptr<Running> not_begun(Error error, const RunDone& done) {
  done(fail(std::move(error)));
  return std::make_unique<BridgeRunning>(nullptr);
}

}  // namespace

std::unique_ptr<Running> start_invoke(const qb_linked* linked, Sandbox sandbox,
                                      const std::string& function,
                                      const std::vector<std::string>& arguments,
                                      std::function<void(Result<Invoked>)> done) {
  auto call = module_call(function, arguments);
  if (!call.ok()) return not_begun(std::move(call).error(), done);
  auto end = std::make_unique<RunDone>(std::move(done));
  std::vector<qb_bytes> texts;
  for (const std::string& text : call->texts) texts.push_back(borrow(text));
  SandboxView given = view_of(std::move(sandbox));
  return std::make_unique<BridgeRunning>(qb_invoke(linked, given.give(), hand_over(end.release()),
                                                   borrow(call->name), texts.data(), texts.size()));
}

std::unique_ptr<Running> start_call(const qb_linked* linked, Sandbox sandbox,
                                    const std::string& function,
                                    const std::vector<std::string>& arguments,
                                    std::function<void(Result<Invoked>)> done) {
  auto call = component_call(linked, function, arguments);
  if (!call.ok()) return not_begun(std::move(call).error(), done);
  auto end = std::make_unique<RunDone>(
      [done = std::move(done), type = call->result](Result<Invoked> ended) {
        if (ended.ok() && !ended->results.empty()) {
          ended->results = write_wave(type, as_bytes(ended->results));
        }
        done(std::move(ended));
      });
  SandboxView given = view_of(std::move(sandbox));
  return std::make_unique<BridgeRunning>(
      qb_call_export(linked, given.give(), hand_over(end.release()), borrow(call->instance),
                     borrow(call->name), borrow(call->arguments)));
}

}  // namespace quern::wasm
