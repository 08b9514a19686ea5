#include "outputs/template.hpp"

#include "logs/msgpack.hpp"
#include "logs/pairs.hpp"
#include "logs/record.hpp"
#include "logs/time_format.hpp"

#include <array>
#include <cstdio>

namespace quern::outputs {
namespace {

constexpr std::size_t kLongestPart = 64;
constexpr std::string_view kDirectives = "YmdHMSj";

void put_number(std::string& out, unsigned value, int width) {
  std::array<char, 12> digits{};
  const int size = std::snprintf(digits.data(), digits.size(), "%0*u", width, value);
  out.append(digits.data(), static_cast<std::size_t>(size));
}

unsigned day_of_year(const logs::CivilTime& at) {
  using namespace std::chrono;
  const sys_days day{year(at.year) / month(at.month) / std::chrono::day(at.day)};
  return static_cast<unsigned>((day - sys_days{year(at.year) / January / 1}).count()) + 1;
}

void put_date(std::string_view form, logs::EventTime time, std::string& out) {
  const logs::CivilTime at = logs::civil(time);
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') {
      out.push_back(form[i]);
      continue;
    }
    switch (form[++i]) {
      case 'Y': put_number(out, static_cast<unsigned>(at.year), 4); break;
      case 'm': put_number(out, at.month, 2); break;
      case 'd': put_number(out, at.day, 2); break;
      case 'H': put_number(out, at.hour, 2); break;
      case 'M': put_number(out, at.minute, 2); break;
      case 'S': put_number(out, at.second, 2); break;
      default: put_number(out, day_of_year(at), 3); break;
    }
  }
}

bool is_date(std::string_view form) {
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') continue;
    if (++i == form.size() || kDirectives.find(form[i]) == std::string_view::npos) return false;
  }
  return !form.empty();
}

Failure wrong(std::string what) { return fail(ErrorKind::invalid_argument, std::move(what)); }

}  // namespace

Result<Template::Part> Template::place(std::string_view name) {
  if (name.empty()) return wrong("{} names no field");
  if (!name.starts_with('@')) return Part{.kind = Kind::field, .text = std::string(name)};
  if (name == "@tag") return Part{.kind = Kind::tag};
  if (name == "@line") return Part{.kind = Kind::line};
  if (name == "@record") return Part{.kind = Kind::record};
  if (name == "@time") return Part{.kind = Kind::time};
  constexpr std::string_view kDate = "@time:";
  if (name.starts_with(kDate) && is_date(name.substr(kDate.size())))
    return Part{.kind = Kind::date, .text = std::string(name.substr(kDate.size()))};
  return wrong("{" + std::string(name) +
               "} is unknown; there are {@tag}, {@line}, {@record}, {@time}, {@time:%Y-%m-%d} and "
               "fields by their name");
}

Result<Template> Template::parse(std::string_view text) {
  Template made;
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '{') {
      plain.push_back(text[at]);
      continue;
    }
    if (text.substr(at).starts_with("{{")) {
      plain.push_back(text[at++]);
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) return wrong("a \"{\" has no \"}\"");
    if (!plain.empty()) made.parts_.push_back({.text = std::exchange(plain, {})});
    made.parts_.push_back(TRY(place(text.substr(at + 1, end - at - 1))));
    at = end;
  }
  if (!plain.empty()) made.parts_.push_back({.text = std::move(plain)});
  return made;
}

void Template::render(const logs::Entry& entry, Escape escape, std::string& out) const {
  std::string json;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::text: out += part.text; break;
      case Kind::tag: escape(entry.tag, out); break;
      case Kind::line: escape(logs::line_of(entry.record).value_or(""), out); break;
      case Kind::time: escape(logs::iso8601(entry.time), out); break;
      case Kind::date: put_date(part.text, entry.time, out); break;
      case Kind::field:
      case Kind::record: {
        const auto value =
            part.kind == Kind::record ? entry.record : logs::field(entry.record, part.text);
        const auto text = value ? logs::text_of(*value) : std::string_view();
        json.clear();
        // Too deep for JSON: left out.
        const bool ok = text || logs::msgpack::to_json(*value, json).ok();
        escape(text ? *text : std::string_view(ok ? json : ""), out);
        break;
      }
    }
  }
}

bool Template::is_constant() const {
  return parts_.empty() || (parts_.size() == 1 && parts_.front().kind == Kind::text);
}

std::string_view Template::prefix() const {
  const bool plain = !parts_.empty() && parts_.front().kind == Kind::text;
  return plain ? std::string_view(parts_.front().text) : std::string_view();
}

void one_line(std::string_view value, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out.push_back(c);
    } else if (c == '\t') {
      out.push_back(c);
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += "\\x";
      out.push_back(kHex[byte >> 4U]);
      out.push_back(kHex[byte & 15U]);
    }
  }
}

void path_part(std::string_view value, std::string& out) {
  if (value.empty()) out.push_back('_');
  bool first = true;
  for (const char c : value.substr(0, kLongestPart)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool plain = letter || c == '_' || c == '-' || (c == '.' && !first);
    out.push_back(plain ? c : '_');
    first = false;
  }
}

}  // namespace quern::outputs
