// The CLI's one table from ErrorKind to its own language: the exit code and the help page.
#pragma once

#include "base/error.hpp"

#include <string>
#include <string_view>

namespace quern::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;
inline constexpr int kGuestLimit = 6;
inline constexpr int kDiverged = 7;
inline constexpr int kInterrupted = 130;

int exit_code(ErrorKind kind);

// The page of `quern help exit-codes`.
std::string exit_codes_page();

// A failure with advice: printed as "quern: message\n  try: advice".
Error with_advice(Error error, std::string_view advice);
// What a person sees of an error. Advice, where the error carries some, gets its own line.
std::string failure_text(const Error& error);

}  // namespace quern::cli
