#include "logs/regex.hpp"

namespace quern::logs {
namespace {

constexpr std::int64_t kMostMemory = 1 << 20;

// Other engines' "(?<name>" as RE2 12 writes it; "(?<=" and "(?<!" stay, and are refused by it.
std::string with_named_groups(std::string_view pattern) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      out += pattern.substr(at++, 2);
      continue;
    }
    const std::string_view rest = pattern.substr(at);
    if (rest.size() > 3 && rest.starts_with("(?<") && rest[3] != '=' && rest[3] != '!') {
      out += "(?P<";
      at += 2;
      continue;
    }
    out.push_back(pattern[at]);
  }
  return out;
}

}  // namespace

Result<Regex> compile_regex(std::string_view pattern) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostMemory);
  auto regex = std::make_shared<re2::RE2>(with_named_groups(pattern), options);
  if (!regex->ok()) {
    return fail(ErrorKind::invalid_argument, "no regular expression: " + regex->error());
  }
  return Regex(std::move(regex));
}

}  // namespace quern::logs
