// Outcome<T>: a value, or the error that the client will be told. The only file of this guest
// that names tl::expected.
//
// Not base/result.hpp: its Error is the host's closed list of kinds, while every failure in this
// program is an answer in OpenAI's form with status, code and the parameter at fault.
#pragma once

#include "api_error.hpp"
#include <tl/expected.hpp>

#include <utility>

namespace quern::chat {

template <class T>
using Outcome = tl::expected<T, ApiError>;

inline tl::unexpected<ApiError> fail(ApiError error) {
  return tl::unexpected<ApiError>(std::move(error));
}

}  // namespace quern::chat

// The value of an Outcome, or return its error from this function.
#define CHAT_TRY(...)                                                                       \
  __extension__({                                                                           \
    auto chat_tried = (__VA_ARGS__);                                                        \
    if (!chat_tried.has_value()) return ::quern::chat::fail(std::move(chat_tried).error()); \
    *std::move(chat_tried);                                                                 \
  })
