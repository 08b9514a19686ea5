#include "capi/boundary.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

namespace quern::capi {
namespace {

// 0: no engine was ever opened here.
std::atomic<pid_t> owner{0};

}  // namespace

quern_status status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument: return QUERN_INVALID_ARGUMENT;
    case ErrorKind::not_found: return QUERN_NOT_FOUND;
    case ErrorKind::already_exists: return QUERN_ALREADY_EXISTS;
    case ErrorKind::permission_denied: return QUERN_PERMISSION_DENIED;
    case ErrorKind::resource_exhausted: return QUERN_RESOURCE_EXHAUSTED;
    case ErrorKind::deadline_exceeded: return QUERN_DEADLINE_EXCEEDED;
    case ErrorKind::cancelled: return QUERN_CANCELLED;
    case ErrorKind::unavailable: return QUERN_UNAVAILABLE;
    case ErrorKind::unsupported: return QUERN_UNSUPPORTED;
    case ErrorKind::corrupt_data: return QUERN_CORRUPT_DATA;
    case ErrorKind::guest_trap:  // no guests here
    case ErrorKind::internal: return QUERN_INTERNAL;
  }
  return QUERN_INTERNAL;
}

Outcome::Outcome(const Failure& failure)
    : status(status_of(failure.value().kind())), text(failure.value().describe()) {}

Outcome::Outcome(const Result<>& result) {
  if (result.ok()) return;
  status = status_of(result.error().kind());
  text = result.error().describe();
}

bool forked() {
  const pid_t claimed = owner.load();
  return claimed != 0 && claimed != ::getpid();
}

void claim_process() { owner.store(::getpid()); }

void* allocate_out(std::size_t bytes) {
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

char* copy_out(std::string_view text) {
  auto* const copy = static_cast<char*>(allocate_out(text.size() + 1));
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

quern_status tell(const Outcome& outcome, char** why) noexcept {
  if (outcome.status == QUERN_OK || why == nullptr) return outcome.status;
  try {
    *why = copy_out(outcome.text);
  } catch (const std::bad_alloc&) {
    *why = nullptr;  // the status has to do
  }
  return outcome.status;
}

quern_status tell_exception(char** why) noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return tell({QUERN_RESOURCE_EXHAUSTED, {}}, why);
  } catch (const std::exception& error) {
    try {
      return tell({QUERN_INTERNAL, error.what()}, why);
    } catch (const std::bad_alloc&) {
      return QUERN_INTERNAL;
    }
  } catch (...) {
    return tell({QUERN_INTERNAL, {}}, why);
  }
}

}  // namespace quern::capi

const char* quern_status_name(quern_status status) {
  using quern::ErrorKind;
  switch (status) {
    case QUERN_OK: return "ok";
    case QUERN_CONTEXT_FULL: return "context_full";
    case QUERN_FORKED: return "forked";
    default: break;
  }
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
    const auto each = static_cast<ErrorKind>(kind);
    // The names of the enum are literals, and so end with a zero.
    if (each != ErrorKind::guest_trap && quern::capi::status_of(each) == status) {
      return quern::to_string(each).data();
    }
  }
  return "unknown";
}
