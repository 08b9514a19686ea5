// Records as lines of text, or as they are.
#pragma once

#include "base/result.hpp"
#include "base/settings.hpp"

#include "logs/batch.hpp"
#include "outputs/template.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace quern::outputs {

// The text of a record as JSON, with its time and tag under these keys where it has none of its own
// there; an empty key leaves them out.
struct JsonKeys {
  std::string time = "time";
  std::string tag;
  // time_key, tag_key.
  static Result<JsonKeys> read(Settings& settings, std::string_view time_key);
};
// corrupt_data, unsupported (too deep): `out` is as before.
Result<> append_json(const logs::Entry& entry, const JsonKeys& keys, std::string& out);

class LineFormat {
 public:
  // format = json | text | msgpack, template, time_key, tag_key.
  static Result<LineFormat> read(Settings& settings);
  // With its line end; msgpack: [[time, metadata], record] without one. Errors as append_json.
  Result<> append(const logs::Entry& entry, std::string& out) const;
  bool is_lines() const { return form_ != Form::msgpack; }

 private:
  enum class Form : std::uint8_t { json, text, msgpack };
  Form form_ = Form::json;
  JsonKeys keys_;
  Template text_;
};

}  // namespace quern::outputs
