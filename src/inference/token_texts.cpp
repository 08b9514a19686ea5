#include "inference/token_texts.hpp"

#include <algorithm>

namespace quern::inference {

TokenTexts::TokenTexts(const Vocabulary& vocabulary) {
  for (std::uint32_t i = 0; i < vocabulary.size(); ++i) {
    const auto token = static_cast<Token>(i);
    begin_.push_back(static_cast<std::uint32_t>(all_.size()));
    ends_.push_back(vocabulary.ends(token));
    if (ends_.back()) {
      endings_.push_back(token);
      continue;
    }
    const std::string text = vocabulary.bytes_of(token, Vocabulary::Special::show);
    if (text.empty() || text.front() == '\0') continue;
    all_ += text;
    sorted_.push_back({.token = token, .shared = 0});
  }
  begin_.push_back(static_cast<std::uint32_t>(all_.size()));
  std::sort(sorted_.begin(), sorted_.end(),
            [this](const Entry& a, const Entry& b) { return text(a.token) < text(b.token); });
  for (std::size_t i = 1; i < sorted_.size(); ++i) {
    const std::string_view before = text(sorted_[i - 1].token);
    const std::string_view own = text(sorted_[i].token);
    const auto [end, rest] = std::mismatch(before.begin(), before.end(), own.begin(), own.end());
    sorted_[i].shared = static_cast<std::uint32_t>(end - before.begin());
  }
}

std::string_view TokenTexts::text(Token token) const {
  const auto at = static_cast<std::size_t>(token);
  if (token < 0 || at >= size()) return {};
  return std::string_view(all_).substr(begin_[at], begin_[at + 1] - begin_[at]);
}

bool TokenTexts::ends(Token token) const {
  return token >= 0 && static_cast<std::size_t>(token) < ends_.size() &&
         ends_[static_cast<std::size_t>(token)];
}

std::optional<Token> TokenTexts::find(std::string_view wanted) const {
  const auto at = std::lower_bound(
      sorted_.begin(), sorted_.end(), wanted,
      [this](const Entry& entry, std::string_view other) { return text(entry.token) < other; });
  if (at == sorted_.end() || text(at->token) != wanted) return std::nullopt;
  return at->token;
}

}  // namespace quern::inference
