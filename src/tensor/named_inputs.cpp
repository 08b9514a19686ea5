#include "tensor/named_inputs.hpp"

#include <algorithm>

namespace quern::tensor {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\"" : ", \"") + name + "\"";
  return text.empty() ? "none" : text;
}

}  // namespace

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<> check_names(const std::vector<std::string>& given, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto here = given.begin() + static_cast<std::ptrdiff_t>(i);
    const bool twice = std::find(given.begin(), here, *here) != here;
    if (holds(names, given[i]) && !twice) continue;
    return fail(ErrorKind::invalid_argument, "the input \"" + given[i].substr(0, 100) + "\" is " +
                                                 (twice ? "given twice" : "none of this graph's") +
                                                 "; it has " + listed(names));
  }
  for (const std::string& name : names) {
    if (!holds(given, name)) {
      return fail(ErrorKind::invalid_argument, "the input \"" + name + "\" was not given");
    }
  }
  return {};
}

Result<> count_output(std::uint64_t bytes, Bytes most, std::uint64_t& left) {
  if (bytes > left) {
    return fail(ErrorKind::resource_exhausted,
                "the outputs of one computation may have " + to_string(most) + " together");
  }
  left -= bytes;
  return {};
}

}  // namespace quern::tensor
