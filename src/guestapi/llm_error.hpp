// The contract's `error` variant, and the one table from ErrorKind to it.
#pragma once

#include "base/error.hpp"
#include "inference/inference.hpp"
#include "wasm/host.hpp"

#include <cstdint>
#include <string>

namespace quern::guestapi {

struct LlmError {
  // In the order of wit/quern-llm/llm.wit.
  enum class Case : std::uint32_t {
    invalid_argument,
    model_not_found,
    permission_denied,
    context_full,
    overloaded,
    budget_exhausted,
    deadline_exceeded,
    cancelled,
    unsupported,
    internal,
  };
  Case which = Case::internal;
  std::string text;                  // for the cases that carry one
  inference::ContextFull context{};  // with context_full
  std::uint32_t retry_ms = 0;        // with overloaded
};

LlmError to_llm_error(const Error& error);
void write_error(wasm::ValueWriter& out, const LlmError& error);

// How an interface writes the E of its result<_, E>.
using WriteError = void (*)(wasm::ValueWriter&, const LlmError&);
// Answers the call with it.
void refuse(wasm::HostCall& call, const LlmError& error, WriteError write);
// The same; a guest_trap ends the instance instead.
void refuse(wasm::HostCall& call, const Error& error, WriteError write);

}  // namespace quern::guestapi
