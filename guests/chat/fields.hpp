// Reads the members of a JSON object one by one, with errors that name the parameter as OpenAI's
// API does: "messages[2].content[0].type".
//
//   FirstError error;
//   Fields fields(body, "", error);
//   request.temperature = fields.number("temperature", {.min = 0, .max = 2});
//   fields.refuse_others();
//   if (error.set()) return fail(error.take());
//
// Readers keep on after an error and give nothing; only the first error is kept. That makes a
// reader one line per parameter. A member that is null reads as absent.
#pragma once

#include "json_input.hpp"
#include "result.hpp"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::chat {

class FirstError {
 public:
  bool set() const { return error_.has_value(); }
  void put(ApiError error) {
    if (!error_) error_ = std::move(error);
  }
  ApiError take() { return std::move(*error_); }

 private:
  std::optional<ApiError> error_;
};

struct Range {
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
};

struct IntRange {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

// `object`, `path` and `error` must outlive the Fields.
class Fields {
 public:
  // A value that is not an object is an error, and reads as an empty one.
  Fields(const Json& object, std::string path, FirstError& error);

  // Null when absent or null.
  const Json* get(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, IntRange range = {});
  std::optional<std::uint32_t> count(std::string_view name, IntRange range);  // range within u32
  std::optional<float> number(std::string_view name, Range range);
  std::optional<std::string> text(std::string_view name);
  // One of these words.
  std::optional<std::string> word(std::string_view name,
                                  std::initializer_list<std::string_view> words);
  const Json* array(std::string_view name);
  const Json* object(std::string_view name);

  // As text() and array(), but absence is an error and reads as empty.
  std::string required_text(std::string_view name);
  const Json& required(std::string_view name);

  // Known, and of no effect here.
  void ignore(std::initializer_list<std::string_view> names);
  // Known to OpenAI's API, and refused here when present: "unsupported_parameter".
  void refuse(std::string_view name, std::string_view why);
  // Every member that nobody asked for is an error.
  void refuse_others();

  bool has(std::string_view name) const;
  // "messages[0].role"
  std::string path_of(std::string_view name) const;
  void error(std::string_view name, std::string code, std::string message);

 private:
  const Json* find(std::string_view name) const;

  const Json& object_;
  std::string path_;
  FirstError& error_;
  std::vector<std::string_view> known_;
};

// "Invalid type for 'PATH': expected EXPECTED, but got a string instead."
ApiError wrong_type(std::string path, std::string_view expected, const Json& got);

}  // namespace quern::chat
