// The line that C++ does not cross: every exported function runs its body in here.
#pragma once

#include "base/result.hpp"
#include "capi/quern.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace quern::capi {

// How a call ended: fine, or a status and a sentence.
struct [[nodiscard]] Outcome {
  Outcome() = default;
  Outcome(quern_status what, std::string why) : status(what), text(std::move(why)) {}
  Outcome(const Failure& failure);  // NOLINT(google-explicit-constructor): TRY returns one
  Outcome(const Result<>& result);  // NOLINT(google-explicit-constructor)

  quern_status status = QUERN_OK;
  std::string text;
};

quern_status status_of(ErrorKind kind);

// True in a child that was forked after claim_process().
bool forked();
// From now on this is the process that the library's threads run in.
void claim_process();

// malloc'd, with a zero at the end. Throws std::bad_alloc, which cross() takes.
char* copy_out(std::string_view text);
void* allocate_out(std::size_t bytes);

template <class T>
T* copy_out_array(std::span<const T> values) {
  auto* const copy = static_cast<T*>(allocate_out(values.size_bytes()));
  std::copy(values.begin(), values.end(), copy);
  return copy;
}

// A pointer that may not be NULL.
template <class T>
Result<> needed(const T* pointer, std::string_view name) {
  if (pointer != nullptr) return {};
  return fail(ErrorKind::invalid_argument, std::string(name) + " is NULL");
}

// Never throws; writes *why as quern.h says.
quern_status tell(const Outcome& outcome, char** why) noexcept;

// In a catch block only: what is being handled, told likewise.
quern_status tell_exception(char** why) noexcept;

template <class Body>
quern_status cross(char** why, Body body) noexcept {
  if (why != nullptr) *why = nullptr;
  try {
    if (forked()) {
      return tell({QUERN_FORKED,
                   "this process forked after the library had started; load models in "
                   "the child instead (multiprocessing: the method \"spawn\")"},
                  why);
    }
    return tell(body(), why);
  } catch (...) {
    return tell_exception(why);
  }
}

}  // namespace quern::capi
