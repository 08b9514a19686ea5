// What a miner knows, as lines of text (docs/formats/templates.md):
//
//   quern-templates 1
//   template ID NOW COUNT
//   shape ID VARIES TOKEN...        every shape that leads to a template
//   value NAME VALUE                a value that was seen behind "NAME="
//   varying NAME                    a name whose values are holes
//
// A token is "_" (a blank stands before it) or "-", then its bytes: control characters, blanks, "\"
// and
// "*" as \xHH; "*" alone is a hole.
#include "mining/line_shape.hpp"
#include "mining/template_table.hpp"

#include <charconv>
#include <string>
#include <vector>

namespace quern::mining {
namespace {

constexpr std::string_view kMagic = "quern-templates 1";
constexpr std::string_view kHexDigits = "0123456789abcdef";

void write_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7f && c != '\\' && c != '*') {
      out.push_back(c);
    } else {
      out.append("\\x").push_back(kHexDigits[byte >> 4U]);
      out.push_back(kHexDigits[byte & 15U]);
    }
  }
}

void write_word(std::string& out, const std::string& word) {
  if (word.size() == 1 && word[0] == kHole) {
    out.push_back('*');
  } else {
    write_escaped(out, word);
  }
}

Failure broken(std::string_view line, const char* what) {
  return fail(ErrorKind::corrupt_data, "a line of the saved templates " + std::string(what) +
                                           ": \"" + std::string(line.substr(0, 80)) + "\"");
}

Result<std::string> read_word(std::string_view text, std::string_view line) {
  if (text == "*") return std::string(1, kHole);
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      // Bytes that are written as escapes alone: two of them part the words of a key.
      if (static_cast<unsigned char>(text[i]) <= 0x20 || text[i] == 0x7f)
        return broken(line, "has a control character");
      word.push_back(text[i]);
      continue;
    }
    unsigned value = 0;
    const char* const end = text.data() + std::min(i + 4, text.size());
    if (text.substr(i, 2) != "\\x" || end - (text.data() + i) != 4 ||
        std::from_chars(text.data() + i + 2, end, value, 16).ptr != end || value <= 2) {
      return broken(line, "has a wrong escape");
    }
    word.push_back(static_cast<char>(value));
    i += 3;
  }
  if (word.empty()) return broken(line, "has an empty word");
  return word;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t end = line.find(' ');
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

template <class Number>
Result<Number> read_number(std::string_view text, Number most, std::string_view line) {
  Number number = 0;
  const char* const end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || read != end || number > most) {
    return broken(line, "has a wrong number");
  }
  return number;
}

}  // namespace

std::string TemplateTable::save() const {
  std::string out(kMagic);
  out.push_back('\n');
  for (const Entry& entry : entries_) {
    out += "template " + std::to_string(entry.known.id) + " " + std::to_string(entry.now) + " " +
           std::to_string(entry.known.count) + "\n";
  }
  const auto shape = [&](TemplateId id, bool varies, const Shape& of) {
    out += "shape " + std::to_string(id) + (varies ? " 1" : " 0");
    for (std::size_t i = 0; i < of.words.size(); ++i) {
      out += of.spaced[i] ? " _" : " -";
      write_word(out, of.words[i]);
    }
    out.push_back('\n');
  };
  for (const Entry& entry : entries_) {
    if (entry.known.id == kRest) continue;
    const auto place = places_.find(entry.shape.key());
    shape(entry.known.id, place != places_.end() && place->second.varies, entry.shape);
  }
  for (const auto& [name, values] : values_) {
    for (const std::string& value : values) {
      out += "value ";
      write_word(out, name);
      out.push_back(' ');
      write_word(out, value);
      out.push_back('\n');
    }
  }
  for (const std::string& name : varying_) {
    out += "varying ";
    write_word(out, name);
    out.push_back('\n');
  }
  return out;
}

// Templates are added in the order of their ids, so that an id is its place; what was noted about
// their words is noted again.
Result<> TemplateTable::load(std::string_view state) {
  const std::size_t first = state.find('\n');
  if (state.substr(0, first) != kMagic) {
    return fail(
        ErrorKind::corrupt_data,
        "this is no state of templates, it does not begin with \"" + std::string(kMagic) + "\"");
  }
  while (!state.empty()) {
    const std::size_t end = state.find('\n');
    const std::string_view line = state.substr(0, end);
    state.remove_prefix(end == std::string_view::npos ? state.size() : end + 1);
    if (line != kMagic && !line.empty()) TRY(load_line(line));
  }
  for (TemplateId id = 1; id < entries_.size(); ++id) {
    if (entries_[id].now == id) note(id);
  }
  return {};
}

Result<> TemplateTable::load_line(std::string_view line) {
  const std::vector<std::string_view> fields = fields_of(line);
  if (fields[0] == "template" && fields.size() == 4) {
    const auto id = TRY(read_number<TemplateId>(fields[1], UINT32_MAX, line));
    const auto now = TRY(read_number<TemplateId>(fields[2], id, line));
    const auto count = TRY(read_number<std::uint64_t>(fields[3], UINT64_MAX, line));
    if (id == kRest) {
      entries_[kRest].known.count = count;
      return {};
    }
    if (id != entries_.size()) return broken(line, "is out of order");
    entries_.push_back({.known = {.id = id, .text = {}, .count = count}, .now = now, .shape = {}});
    return {};
  }
  if (fields[0] == "shape" && fields.size() >= 3) {
    const auto id =
        TRY(read_number<TemplateId>(fields[1], static_cast<TemplateId>(entries_.size() - 1), line));
    const auto varies = TRY(read_number<int>(fields[2], 1, line));
    Entry& entry = entries_[id];
    if (id == kRest || !entry.shape.words.empty())
      return broken(line, "is of a template that has one");
    for (std::size_t i = 3; i < fields.size(); ++i) {
      if (fields[i].empty() || (fields[i][0] != '_' && fields[i][0] != '-'))
        return broken(line, "has a wrong token");
      entry.shape.words.push_back(TRY(read_word(fields[i].substr(1), line)));
      entry.shape.spaced.push_back(fields[i][0] == '_');
    }
    entry.known.text = entry.shape.text();
    bytes_ += entry.shape.bytes();
    places_.insert_or_assign(entry.shape.key(), Place{.id = id, .varies = varies == 1});
    return {};
  }
  if (fields[0] == "value" && fields.size() == 3) {
    const std::string name = TRY(read_word(fields[1], line));
    std::string value = TRY(read_word(fields[2], line));
    bytes_ += value.size();
    values_[name].insert(std::move(value));
    return {};
  }
  if (fields[0] == "varying" && fields.size() == 2) {
    varying_.insert(TRY(read_word(fields[1], line)));
    return {};
  }
  return broken(line, "is of no known kind");
}

}  // namespace quern::mining
