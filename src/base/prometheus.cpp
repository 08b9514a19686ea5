#include "base/prometheus.hpp"

#include <array>
#include <charconv>

namespace quern {
namespace {

// A label's value escapes backslash, quote and line end.
std::string as_text(const PrometheusPage::Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += (text.empty() ? "{" : ",") + name + "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"') text += '\\';
      text += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    text += "\"";
  }
  return text.empty() ? text : text + "}";
}

}  // namespace

void PrometheusPage::add(std::string_view name, const Labels& labels, double value,
                         std::string_view help) {
  std::array<char, 32> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  add_text(name, labels, {digits.data(), end}, help);
}

void PrometheusPage::add(std::string_view name, const Labels& labels, std::uint64_t value,
                         std::string_view help) {
  add_text(name, labels, std::to_string(value), help);
}

void PrometheusPage::add_text(std::string_view name, const Labels& labels, std::string_view value,
                              std::string_view help) {
  auto family = families_.find(name);
  const std::string text(name);
  if (family == families_.end()) {
    std::string head = help.empty() ? "" : "# HELP " + text + " " + std::string(help) + "\n";
    head += "# TYPE " + text + (name.ends_with("_total") ? " counter\n" : " gauge\n");
    family = families_.emplace(text, std::move(head)).first;
  }
  family->second += text + as_text(labels) + " " + std::string(value) + "\n";
}

std::string PrometheusPage::text() const {
  std::string page;
  for (const auto& [name, family] : families_) page += family;
  return page;
}

}  // namespace quern
