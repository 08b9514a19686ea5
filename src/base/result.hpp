// Result<T>: a value or an Error. The only file that names tl::expected.
//
//   Result<Model> load(Path p) {
//     const Bytes bytes = TRY(read(p));                       // returns the Error upwards
//     if (bytes.empty()) return fail(ErrorKind::corrupt_data, p.string() + " is empty");
//     return Model{bytes};
//   }
//
// Values, not exceptions, because C and Rust frames lie between ours and an exception may not
// cross them; and because several doors must map a failure to their own language.
#pragma once

#include "base/check.hpp"
#include "base/error.hpp"

#include <tl/expected.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace quern {

using Failure = tl::unexpected<Error>;

inline Failure fail(ErrorKind kind, std::string message) {
  return Failure(Error(kind, std::move(message)));
}
inline Failure fail(Error error) { return Failure(std::move(error)); }

// Holds a T or an Error. `Result<>` is Result<void>. Reading the side that is not there is a bug
// in our own code and aborts (CHECK).
template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result()
    requires std::is_void_v<T>
  = default;
  template <class U = T>
    requires(!std::is_void_v<T> && std::is_constructible_v<T, U &&> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result>)
  Result(U&& value) : held_(std::forward<U>(value)) {}    // NOLINT(google-explicit-constructor)
  Result(Failure failure) : held_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return held_.has_value(); }
  explicit operator bool() const { return ok(); }

  decltype(auto) value() & { return checked(held_); }
  decltype(auto) value() const& { return checked(held_); }
  decltype(auto) value() && { return checked(std::move(held_)); }
  auto* operator->() { return &checked(held_); }
  const auto* operator->() const { return &checked(held_); }
  decltype(auto) operator*() & { return checked(held_); }
  decltype(auto) operator*() const& { return checked(held_); }
  decltype(auto) operator*() && { return checked(std::move(held_)); }

  const Error& error() const& {
    CHECK(!ok(), "error() of a Result that holds a value");
    return held_.error();
  }
  Error&& error() && {
    CHECK(!ok(), "error() of a Result that holds a value");
    return std::move(held_).error();
  }

  // The same result; an error gets the context `doing` ("loading model X").
  Result context(std::string doing) && {
    if (ok()) return std::move(*this);
    return Failure(std::move(held_).error().wrap(std::move(doing)));
  }

 private:
  template <class H>
  static decltype(auto) checked(H&& held) {
    if (!held.has_value())
      check_failed("Result::value()", held.error().describe(), __FILE__, __LINE__);
    if constexpr (std::is_void_v<T>) {
      return;
    } else {
      return *std::forward<H>(held);
    }
  }

  tl::expected<T, Error> held_;
};

}  // namespace quern

// TRY(expression): the value of a Result, or return its error from this function. A macro because
// the language has no other way to return from the caller; it replaces four lines at every call.
// In a coroutine write CO_TRY.
#define TRY(...) QUERN_TRY_WITH(return, __VA_ARGS__)
#define CO_TRY(...) QUERN_TRY_WITH(co_return, __VA_ARGS__)
#define QUERN_TRY_WITH(leave, ...)                                              \
  __extension__({                                                               \
    auto quern_tried = (__VA_ARGS__);                                           \
    if (!quern_tried.ok()) leave ::quern::fail(std::move(quern_tried).error()); \
    *std::move(quern_tried);                                                    \
  })
