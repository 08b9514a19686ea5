#include "cli/exit_codes.hpp"

#include <array>

namespace quern::cli {
namespace {

struct Row {
  int code;
  std::string_view meaning;
};
constexpr std::array<Row, 12> kRows{{
    {.code = kSuccess, .meaning = "it worked"},
    {.code = kFailure, .meaning = "it failed; the message says why"},
    {.code = kUsage, .meaning = "the command line is wrong"},
    {.code = 3, .meaning = "something that was named does not exist: a model, a file"},
    {.code = 4, .meaning = "not allowed: a grant, a key or a permission is missing"},
    {.code = 5, .meaning = "not available now: no source answers, a port or a name is taken, busy"},
    {.code = kGuestLimit,
     .meaning = "the guest reached a limit: output, handles, memory at its start"},
    {.code = kDiverged, .meaning = "a replay diverged, or its recording has no end"},
    {.code = 124, .meaning = "the time that was given is over"},
    {.code = kInterrupted, .meaning = "ended by Ctrl-C"},
    {.code = 134, .meaning = "the guest trapped"},
    {.code = 143, .meaning = "ended by SIGTERM before its work was done"},
}};

// Separates advice from the message inside an Error; it cannot come from a user's text, which
// Errors carry on one line.
constexpr std::string_view kAdvice = "\n  try: ";

}  // namespace

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument: return kUsage;
    case ErrorKind::not_found: return 3;
    case ErrorKind::permission_denied: return 4;
    case ErrorKind::unavailable:
    case ErrorKind::already_exists:
    case ErrorKind::resource_exhausted: return 5;
    case ErrorKind::deadline_exceeded: return 124;
    case ErrorKind::cancelled: return kInterrupted;
    case ErrorKind::guest_trap: return 134;
    case ErrorKind::unsupported:
    case ErrorKind::corrupt_data:
    case ErrorKind::internal: return kFailure;
  }
  return kFailure;
}

std::string exit_codes_page() {
  std::string page = "Exit codes\n\n";
  for (const Row& row : kRows) {
    const std::string code = std::to_string(row.code);
    page +=
        "  " + std::string(3 - code.size(), ' ') + code + "  " + std::string(row.meaning) + "\n";
  }
  page +=
      "\n`quern run` and `quern replay` end with the program's own code when the program ends by "
      "itself.\n";
  return page;
}

Error with_advice(Error error, std::string_view advice) {
  return {error.kind(), error.describe() + std::string(kAdvice) + std::string(advice)};
}

std::string failure_text(const Error& error) { return "quern: " + error.describe() + "\n"; }

}  // namespace quern::cli
