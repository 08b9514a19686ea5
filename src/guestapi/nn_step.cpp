#include "guestapi/nn_step.hpp"

namespace quern::guestapi {

NnStatus nn_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
    case ErrorKind::already_exists:
    case ErrorKind::guest_trap: return NnStatus::invalid_argument;  // a pointer past the memory
    case ErrorKind::corrupt_data: return NnStatus::invalid_encoding;
    case ErrorKind::not_found:
    case ErrorKind::permission_denied: return NnStatus::not_found;
    case ErrorKind::unsupported: return NnStatus::unsupported_operation;
    case ErrorKind::resource_exhausted:
    case ErrorKind::unavailable: return NnStatus::busy;
    case ErrorKind::deadline_exceeded:
    case ErrorKind::cancelled:
    case ErrorKind::internal: return NnStatus::runtime_error;
  }
  return NnStatus::runtime_error;
}

}  // namespace quern::guestapi
