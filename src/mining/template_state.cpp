// What a miner knows, as lines of text (docs/formats/templates.md):
//
//   quern-templates 1
//   next ID                         all ids below may have been given
//   template ID NOW COUNT LAST
//   shape ID VARIES TOKEN...        every shape that leads to a template
//   value NAME VALUE                a value that was seen behind "NAME="
//   varying NAME                    a name whose values are holes
//   gone ID                         a template that went
//   part ID NOW                     one that went while the older one that it is part of lives
//   end                             the whole state ends here
//
// A later line about one thing replaces the earlier one, so that changes go behind what was saved.
// A token is "_" (a blank stands before it) or "-", then its bytes: control characters, blanks, "\"
// and "*" as \xHH; "*" alone is a hole.
#include "base/text.hpp"

#include "mining/line_shape.hpp"
#include "mining/template_table.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace quern::mining {
namespace {

constexpr std::string_view kMagic = "quern-templates 1";
constexpr std::string_view kEnd = "end";
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

void write_word(std::string& out, std::string_view word) {
  if (word.size() == 1 && word[0] == kHole) {
    out.push_back('*');
  } else {
    write_escaped(out, word);
  }
}

Failure broken(std::string_view line, const char* what) {
  return fail(ErrorKind::corrupt_data, "a line of the saved templates " + std::string(what) +
                                           ": \"" + printable(line, 80) + "\"");
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

void write_value(std::string_view name, std::string_view value, std::string& out) {
  out += "value ";
  write_word(out, name);
  out.push_back(' ');
  write_word(out, value);
  out.push_back('\n');
}

void write_part(TemplateId id, TemplateId now, std::string& out) {
  out += "part " + std::to_string(id) + " " + std::to_string(now) + "\n";
}

void write_varying(std::string_view name, std::string& out) {
  out += "varying ";
  write_word(out, name);
  out.push_back('\n');
}

void TemplateTable::write(const TemplateEntry& entry, std::string& out) const {
  const std::string id = std::to_string(entry.known.id);
  out += "template " + id + " " + std::to_string(entry.now) + " " +
         std::to_string(entry.known.count) + " " + std::to_string(entry.last) + "\n";
  if (entry.known.id == kRest) return;
  const auto place = places_.find(entry.shape.key());
  out += "shape " + id + (place != places_.end() && place->second.varies ? " 1" : " 0");
  for (std::size_t i = 0; i < entry.shape.words.size(); ++i) {
    out += entry.shape.spaced[i] ? " _" : " -";
    write_word(out, entry.shape.words[i]);
  }
  out.push_back('\n');
}

std::string TemplateTable::save() const {
  std::string out(kMagic);
  out += "\nnext " + std::to_string(end_ == kLastId ? next_ : end_) + "\n";
  for (const TemplateEntry* const entry : by_id()) write(*entry, out);
  for (const auto& [name, values] : values_) {
    for (const std::string& value : values) write_value(name, value, out);
  }
  for (const std::string& name : varying_) write_varying(name, out);
  for (const auto& [id, whole] : links_) write_part(id, now(whole), out);
  out.append(kEnd).push_back('\n');
  return out;
}

std::string TemplateTable::changes() {
  noting_ = true;
  std::string out = std::exchange(values_changed_, {});
  std::vector<TemplateId> changed = std::exchange(changed_, {});
  std::sort(changed.begin(), changed.end());  // what others lead to comes before them
  for (const TemplateId id : changed) {
    if (!has(id)) continue;
    TemplateEntry& entry = entries_.at(id);
    entry.changed = false;
    write(entry, out);
  }
  for (const TemplateId id : std::exchange(gone_, {})) {
    if (links_.contains(id)) {
      write_part(id, now(id), out);
    } else {
      out += "gone " + std::to_string(id) + "\n";
    }
  }
  return out;
}

// What was noted about the words of templates is noted again.
Result<> TemplateTable::load(std::string_view state) {
  const std::size_t first = state.find('\n');
  if (state.substr(0, first) != kMagic) {
    return fail(
        ErrorKind::corrupt_data,
        "this is no state of templates, it does not begin with \"" + std::string(kMagic) + "\"");
  }
  TRY(load_lines(state));
  std::vector<TemplateId> lost;  // what they were part of went
  for (const auto& [id, entry] : entries_) {
    if (now(id) == kRest) lost.push_back(id);
  }
  forget(lost);
  clear_up();
  for (const TemplateEntry* const entry : by_id()) {
    if (entry->known.id != kRest && entry->now == entry->known.id) note(entry->known.id);
  }
  forgotten_ = erased_ = 0;
  return {};
}

// What stands behind the whole state may have been torn by a loss of power: it is read as far as it
// makes sense. No id is given twice all the same.
Result<> TemplateTable::load_lines(std::string_view state) {
  bool whole = false;
  while (!state.empty()) {
    const std::size_t end = state.find('\n');
    const std::string_view line = state.substr(0, end);
    state.remove_prefix(end == std::string_view::npos ? state.size() : end + 1);
    if (line == kEnd) whole = true;
    if (line == kMagic || line == kEnd || line.empty()) continue;
    if (unread_ > 0 && !line.starts_with("next ")) {
      unread_ += line.size() + 1;
      continue;
    }
    const Result<> read = load_line(line);
    if (!read.ok() && !whole) return read;
    if (!read.ok()) unread_ += line.size() + 1;
  }
  return {};
}

Result<> TemplateTable::load_line(std::string_view line) {
  const std::vector<std::string_view> fields = fields_of(line);
  const std::string_view what = fields[0];
  if (what == "template" && (fields.size() == 4 || fields.size() == 5)) {
    return load_template(fields, line);
  }
  if (what == "shape" && fields.size() >= 3) return load_shape(fields, line);
  if (what == "next" && fields.size() == 2) {
    next_ = std::max(next_, TRY(read_number<TemplateId>(fields[1], kLastId, line)));
    return {};
  }
  if (what == "value" && fields.size() == 3) {
    const std::string name = TRY(read_word(fields[1], line));
    std::string value = TRY(read_word(fields[2], line));
    const std::size_t bytes = value.size();
    if (values_[name].insert(std::move(value)).second) value_bytes_ += bytes;
    return {};
  }
  if (what == "varying" && fields.size() == 2) {
    vary(TRY(read_word(fields[1], line)));
    return {};
  }
  if (what == "gone" && fields.size() == 2) {
    forget({TRY(read_number<TemplateId>(fields[1], kLastId, line))});
    return {};
  }
  if (what == "part" && fields.size() == 3) return load_part(fields, line);
  return broken(line, "is of no known kind");
}

Result<> TemplateTable::load_template(const std::vector<std::string_view>& fields,
                                      std::string_view line) {
  const auto id = TRY(read_number<TemplateId>(fields[1], kLastId - 1, line));
  const auto now = TRY(read_number<TemplateId>(fields[2], id, line));
  const auto count = TRY(read_number<std::uint64_t>(fields[3], UINT64_MAX, line));
  std::uint64_t last = 0;
  if (fields.size() == 5) last = TRY(read_number<std::uint64_t>(fields[4], UINT64_MAX, line));
  if (now != id && (now == kRest || !knows(now))) return broken(line, "leads to no template");
  links_.erase(id);
  TemplateEntry& entry = entries_[id];
  entry.known.id = id;
  entry.known.count = count;
  entry.now = now;
  entry.last = last;
  lines_ = std::max(lines_, last);
  next_ = std::max(next_, id + 1);
  return {};
}

Result<> TemplateTable::load_part(const std::vector<std::string_view>& fields,
                                  std::string_view line) {
  const auto id = TRY(read_number<TemplateId>(fields[1], kLastId - 1, line));
  const auto now = TRY(read_number<TemplateId>(fields[2], kLastId - 1, line));
  if (now == kRest || now >= id || !knows(now)) return broken(line, "leads to no template");
  forget({id});
  links_[id] = now;
  next_ = std::max(next_, id + 1);
  return {};
}

Result<> TemplateTable::load_shape(const std::vector<std::string_view>& fields,
                                   std::string_view line) {
  const auto id = TRY(read_number<TemplateId>(fields[1], kLastId, line));
  const auto varies = TRY(read_number<int>(fields[2], 1, line));
  if (id == kRest || !has(id)) return broken(line, "is of no template");
  Shape shape;
  for (std::size_t i = 3; i < fields.size(); ++i) {
    if (fields[i].empty() || (fields[i][0] != '_' && fields[i][0] != '-'))
      return broken(line, "has a wrong token");
    shape.words.push_back(TRY(read_word(fields[i].substr(1), line)));
    shape.spaced.push_back(fields[i][0] == '_');
  }
  TemplateEntry& entry = entries_.at(id);
  entry.known.text = shape.text();
  bytes_ += shape.bytes() - entry.bytes;
  entry.bytes = shape.bytes();
  entry.shape = std::move(shape);
  places_.insert_or_assign(entry.shape.key(), Place{.id = id, .varies = varies == 1});
  return {};
}

}  // namespace quern::mining
