#include "base/error.hpp"

namespace quern {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument: return "invalid_argument";
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::already_exists: return "already_exists";
    case ErrorKind::permission_denied: return "permission_denied";
    case ErrorKind::resource_exhausted: return "resource_exhausted";
    case ErrorKind::deadline_exceeded: return "deadline_exceeded";
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::corrupt_data: return "corrupt_data";
    case ErrorKind::guest_trap: return "guest_trap";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

std::string Error::describe() const {
  std::string text = message_;
  for (const Error* e = cause_.get(); e != nullptr; e = e->cause_.get()) {
    text += ": ";
    text += e->message_;
  }
  return text;
}

Error Error::wrap(std::string doing) && {
  const ErrorKind kind = kind_;
  Error outer(kind, std::move(doing));
  outer.cause_ = std::make_shared<const Error>(std::move(*this));
  return outer;
}

}  // namespace quern
