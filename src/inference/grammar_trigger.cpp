#include "inference/grammar_trigger.hpp"

#include <algorithm>
#include <utility>

namespace quern::inference {
namespace {

// std::regex looks at all of the text for each token, and recurses with its length: about 250 bytes
// of stack a character, several times that where patterns are nested.
constexpr std::size_t kMostHeard = 4U << 10U;

}  // namespace

GrammarTrigger::GrammarTrigger(const std::vector<std::string>& patterns, std::vector<Token> tokens)
    : tokens_(std::move(tokens)) {
  for (const std::string& pattern : patterns) {
    patterns_.push_back({.regex = std::regex(pattern),
                         .from_begin = pattern.starts_with('^'),
                         .to_end = pattern.starts_with('^') && pattern.ends_with('$')});
  }
}

std::optional<std::vector<GrammarTrigger::Piece>> GrammarTrigger::add(Token token,
                                                                      std::string_view text) {
  if (std::find(tokens_.begin(), tokens_.end(), token) != tokens_.end()) {
    return std::vector<Piece>{{.token = token, .text = std::string(text)}};
  }
  if (patterns_.empty()) return std::nullopt;
  heard_.push_back({.token = token, .text = std::string(text)});
  text_ += text;
  for (const Pattern& pattern : patterns_) {
    if (const auto begin = match(pattern)) return pieces_from(*begin);
  }
  if (text_.size() > kMostHeard) forget();
  return std::nullopt;
}

// Where the first group that is not empty begins, or the whole match.
std::optional<std::size_t> GrammarTrigger::match(const Pattern& pattern) const {
  std::smatch found;
  const bool any = pattern.to_end ? std::regex_match(text_, found, pattern.regex)
                                  : std::regex_search(text_, found, pattern.regex);
  if (!any) return std::nullopt;
  std::size_t group = 1;
  while (group < found.size() && found.length(group) == 0) ++group;
  return static_cast<std::size_t>(found.position(group < found.size() ? group : 0));
}

std::vector<GrammarTrigger::Piece> GrammarTrigger::pieces_from(std::size_t begin) const {
  std::vector<Piece> pieces;
  std::size_t at = 0;
  for (const Piece& piece : heard_) {
    const std::size_t end = at + piece.text.size();
    if (end > begin) {
      const std::size_t skipped = begin > at ? begin - at : 0;
      pieces.push_back({.token = piece.token, .text = piece.text.substr(skipped)});
    }
    at = end;
  }
  return pieces;
}

// The older half goes, and with it the answer's begin, where some patterns would have to match.
void GrammarTrigger::forget() {
  std::erase_if(patterns_, [](const Pattern& pattern) { return pattern.from_begin; });
  std::size_t gone = 0;
  auto piece = heard_.begin();
  while (piece != heard_.end() && gone < kMostHeard / 2) gone += (piece++)->text.size();
  heard_.erase(heard_.begin(), piece);
  text_.erase(0, gone);
}

}  // namespace quern::inference
