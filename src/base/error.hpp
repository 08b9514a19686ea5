// What went wrong, as a value.
//
// Every fallible function in Quern returns Result<T> (base/result.hpp); its failure side is an
// Error: a kind out of a closed list, a message for a person, and an optional cause. Each door
// (HTTP, WIT, exit codes) keeps one table from ErrorKind to its own language.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace quern {

enum class ErrorKind : std::uint8_t {
  invalid_argument,    // the caller asked for something that cannot be
  not_found,           // the named thing does not exist
  already_exists,      // the named thing exists and may not be replaced
  permission_denied,   // a grant is missing; the message names it
  resource_exhausted,  // a bound was reached: queue, memory, handles, disk, context
  deadline_exceeded,   // the time given was not enough
  cancelled,           // somebody who may do so withdrew the request
  unavailable,         // try again later: peer down, shutting down
  unsupported,         // understood, but this build, model or machine cannot do it
  corrupt_data,        // bytes that should have a form do not have it
  guest_trap,          // a guest broke a rule of WebAssembly or of its limits
  internal,            // a fault of ours
};

// The kind's name as written in the enum, for logs and messages. Static storage.
std::string_view to_string(ErrorKind kind);

// A failure. Copying is cheap enough for error paths; the cause is shared because errors are
// copied into every waiter of a shared operation (two pulls of one model, for example).
class [[nodiscard]] Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  // This level's own text, without the cause.
  const std::string& message() const { return message_; }
  // Null when there is none.
  const Error* cause() const { return cause_.get(); }
  // "message: cause: cause of the cause".
  std::string describe() const;
  // The same kind under a new message that says what was being done; *this becomes the cause.
  Error wrap(std::string doing) &&;

 private:
  ErrorKind kind_;
  std::string message_;
  std::shared_ptr<const Error> cause_;
};

}  // namespace quern
