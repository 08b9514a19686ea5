// Text with places that a record fills: "{level} from {@tag}: {@line}".
#pragma once

#include "base/result.hpp"

#include "logs/batch.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quern::outputs {

// {name} or {a.b}: a field, as text (JSON where it is none), nothing where there is none; {@tag};
// {@line}; {@record}: all of it as JSON; {@time}: ISO 8601; {@time:%Y-%m-%d}: %Y %m %d %H %M %S %j,
// in UTC. "{{" is a brace. Immutable.
class Template {
 public:
  // invalid_argument: a brace that does not close, a place or directive that is not known.
  static Result<Template> parse(std::string_view text);

  // What stands in a place is others' text; this makes of it what may stand there.
  using Escape = void (*)(std::string_view value, std::string& out);
  void render(const logs::Entry& entry, Escape escape, std::string& out) const;

  bool is_constant() const;
  // The text before the first place.
  std::string_view prefix() const;

 private:
  enum class Kind : std::uint8_t { text, field, tag, line, record, time, date };
  struct Part {
    Kind kind = Kind::text;
    std::string text;  // the field's name, the date's form
  };
  static Result<Part> place(std::string_view name);

  std::vector<Part> parts_;
};

// Escapes. Control characters as "\n" or "\x1b": one record is one line, and moves no cursor.
void one_line(std::string_view value, std::string& out);
// A part of a file's name: letters, digits, "_", "-" and "."; others "_"; no dot in front; at most
// 64 bytes, at least one.
void path_part(std::string_view value, std::string& out);

}  // namespace quern::outputs
