// Handles of the component model that drop themselves, and views as the C bindings want them.
// <quern.h> is what wit-bindgen makes: `wit-bindgen c wit --world WORLD --rename-world quern`.
#pragma once

#include <quern.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace quern::wasi {

// Owns one handle. A child (a stream of a body, a pollable of a stream) must go before its parent.
template <class Handle, void (*Drop)(Handle)>
class Own {
 public:
  Own() = default;
  explicit Own(Handle handle) : handle_(handle), held_(true) {}
  Own(Own&& other) noexcept : handle_(other.handle_), held_(std::exchange(other.held_, false)) {}
  Own& operator=(Own&& other) noexcept {
    reset();
    handle_ = other.handle_;
    held_ = std::exchange(other.held_, false);
    return *this;
  }
  ~Own() { reset(); }

  Handle get() const { return handle_; }
  bool held() const { return held_; }
  // Gives the handle to somebody who drops it.
  Handle release() {
    held_ = false;
    return handle_;
  }
  void reset() {
    if (std::exchange(held_, false)) Drop(handle_);
  }

 private:
  Handle handle_{};
  bool held_ = false;
};

using Pollable = Own<wasi_io_poll_own_pollable_t, wasi_io_poll_pollable_drop_own>;

// The bindings take pointers to mutable bytes for values that they only read.
inline std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}
inline quern_string_t borrowed(std::string_view text) { return {bytes_of(text), text.size()}; }

// The text of a value that the caller goes on to free.
inline std::string copied(const quern_string_t& text) {
  return {reinterpret_cast<const char*>(text.ptr), text.len};
}
inline std::string taken(quern_string_t text) {
  std::string result = copied(text);
  quern_string_free(&text);
  return result;
}

}  // namespace quern::wasi
