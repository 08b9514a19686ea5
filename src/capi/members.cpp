#include "capi/members.hpp"

#include <algorithm>
#include <limits>

namespace quern::capi {
namespace {

constexpr std::size_t kMostBytes = 64U << 20U;
constexpr int kDeepest = 64;  // a value is copied and written out recursively
// Of one object: an ordered one looks at all of them for each that is added.
constexpr std::size_t kMostMembers = 4096;

}  // namespace

Result<Json> parse_object(std::string_view text, std::string_view what) {
  if (text.size() > kMostBytes) {
    return fail(ErrorKind::invalid_argument, std::string(what) + " is larger than 64 MiB");
  }
  const char* refused = nullptr;
  std::vector<std::size_t> members(kDeepest + 2);
  Json value = Json::parse(
      text,
      [&](int depth, Json::parse_event_t event, Json& /*parsed*/) {
        if (depth > kDeepest) refused = " is nested too deep";
        if (refused != nullptr) return false;
        const auto level = static_cast<std::size_t>(depth);
        if (event == Json::parse_event_t::object_start) members[level + 1] = 0;
        if (event == Json::parse_event_t::key && ++members[level] > kMostMembers) {
          refused = " has an object of more than 4096 members";
        }
        return refused == nullptr;
      },
      /*allow_exceptions=*/false);
  if (refused != nullptr) return fail(ErrorKind::invalid_argument, std::string(what) + refused);
  if (!value.is_object()) {
    return fail(ErrorKind::invalid_argument, std::string(what) + " is not a JSON object");
  }
  return value;
}

std::string to_text(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Members> Members::of(const Json& value, std::string path) {
  if (!value.is_object()) return fail(ErrorKind::invalid_argument, path + " is not an object");
  return Members(value, std::move(path));
}

const Json* Members::get(std::string_view name) {
  known_.emplace_back(name);
  const auto at = object_->find(name);
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

Result<std::optional<std::string>> Members::text(std::string_view name) {
  const Json* const value = get(name);
  if (value == nullptr) return std::optional<std::string>();
  if (!value->is_string()) return wrong(name, "is not a text");
  return std::optional(value->get<std::string>());
}

Result<std::string> Members::required_text(std::string_view name) {
  auto value = TRY(text(name));
  if (!value) return wrong(name, "is missing");
  return *std::move(value);
}

Result<std::optional<bool>> Members::boolean(std::string_view name) {
  const Json* const value = get(name);
  if (value == nullptr) return std::optional<bool>();
  if (!value->is_boolean()) return wrong(name, "is neither true nor false");
  return std::optional(value->get<bool>());
}

Result<std::optional<std::uint32_t>> Members::count(std::string_view name) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const Json* const value = get(name);
  if (value == nullptr) return std::optional<std::uint32_t>();
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() > kMost) {
    return wrong(name, "is not a whole number from 0 to 4294967295");
  }
  return std::optional(value->get<std::uint32_t>());
}

Result<std::optional<float>> Members::number(std::string_view name) {
  const Json* const value = get(name);
  if (value == nullptr) return std::optional<float>();
  if (!value->is_number()) return wrong(name, "is not a number");
  return std::optional(value->get<float>());
}

Result<const Json*> Members::list(std::string_view name) {
  const Json* const value = get(name);
  if (value != nullptr && !value->is_array()) return wrong(name, "is not a list");
  return value;
}

Result<const Json*> Members::object(std::string_view name) {
  const Json* const value = get(name);
  if (value != nullptr && !value->is_object()) return wrong(name, "is not an object");
  return value;
}

Result<> Members::no_others() const {
  for (const auto& [name, value] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      return wrong(name, "is not known here");
    }
  }
  return {};
}

std::string Members::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

Failure Members::wrong(std::string_view name, std::string_view what) const {
  return fail(ErrorKind::invalid_argument, path_of(name) + " " + std::string(what));
}

}  // namespace quern::capi
