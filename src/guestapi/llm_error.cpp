#include "guestapi/llm_error.hpp"

namespace quern::guestapi {
namespace {

using Case = LlmError::Case;

// How long a refused guest should wait. A queue of hundreds drains a place within a second even
// on small machines; asking sooner only burns the guest's processor time.
constexpr std::uint32_t kRetryMs = 1000;

Case case_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument: return Case::invalid_argument;
    case ErrorKind::not_found: return Case::model_not_found;
    case ErrorKind::permission_denied: return Case::permission_denied;
    case ErrorKind::resource_exhausted: return Case::overloaded;
    case ErrorKind::unavailable: return Case::overloaded;
    case ErrorKind::deadline_exceeded: return Case::deadline_exceeded;
    case ErrorKind::cancelled: return Case::cancelled;
    case ErrorKind::unsupported: return Case::unsupported;
    case ErrorKind::already_exists:
    case ErrorKind::corrupt_data:
    case ErrorKind::guest_trap:
    case ErrorKind::internal: return Case::internal;
  }
  return Case::internal;
}

}  // namespace

LlmError to_llm_error(const Error& error) {
  return {.which = case_of(error.kind()), .text = error.describe(), .retry_ms = kRetryMs};
}

void write_error(wasm::ValueWriter& out, const LlmError& error) {
  out.discriminant(static_cast<std::uint32_t>(error.which));
  switch (error.which) {
    case Case::invalid_argument:
    case Case::model_not_found:
    case Case::permission_denied:
    case Case::budget_exhausted:
    case Case::unsupported:
    case Case::internal: out.text(error.text); return;
    case Case::context_full:
      out.u32(error.context.prompt_tokens).u32(error.context.context_tokens);
      return;
    case Case::overloaded: out.u32(error.retry_ms); return;
    case Case::deadline_exceeded:
    case Case::cancelled: return;
  }
}

void refuse(wasm::HostCall& call, const LlmError& error, WriteError write) {
  wasm::ValueWriter out;
  out.present(false);
  write(out, error);
  call.resolve(out);
}

void refuse(wasm::HostCall& call, const Error& error, WriteError write) {
  if (error.kind() == ErrorKind::guest_trap) return call.trap(error.message());
  refuse(call, to_llm_error(error), write);
}

}  // namespace quern::guestapi
