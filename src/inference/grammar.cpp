#include "inference/grammar.hpp"

#include "inference/grammar_machine.hpp"
#include "inference/grammar_trigger.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace quern::inference {
namespace {

constexpr char32_t kLastLetter = 0x10FFFF;
constexpr CharRange kSurrogates{0xD800, 0xDFFF};

// Where a text is in the grammar, perhaps in the middle of a character.
struct Cursor {
  GrammarMachine::State state = GrammarMachine::kNowhere;
  char32_t begun = 0;     // the bits of a character that are known
  std::uint8_t more = 0;  // bytes of it that are missing
  char32_t least = 0;     // a smaller one is not written with so many bytes

  bool dead() const { return state == GrammarMachine::kNowhere; }
};

class Grammar final : public Constraint {
 public:
  Grammar(std::shared_ptr<const TokenTexts> tokens, GrammarRules rules,
          std::optional<GrammarTrigger> trigger)
      : tokens_(std::move(tokens)), machine_(std::move(rules)), trigger_(std::move(trigger)) {}

  Result<> start() {
    machine_.allow(kWorkPerStep);
    at_ = in(machine_.start());
    return checked();
  }

  Result<bool> allows(Token token) override {
    if (free_ || trigger_) return true;
    machine_.allow(kWorkPerStep);
    const bool fits = tokens_->ends(token) ? may_end() : !after(token, tokens_->text(token)).dead();
    TRY(checked());
    return fits;
  }

  Result<> mask(std::span<float> logits) override {
    if (free_ || trigger_) return {};
    machine_.allow(kWorkPerStep);
    fits_.assign(std::max<std::size_t>(logits.size(), tokens_->size()), false);
    walk_vocabulary();
    if (may_end()) {
      for (const Token token : tokens_->endings()) fits_[static_cast<std::size_t>(token)] = true;
    }
    TRY(checked());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (!fits_[i]) logits[i] = -std::numeric_limits<float>::infinity();
    }
    return {};
  }

  Result<> accept(Token token) override {
    if (free_) return {};
    if (!trigger_) return move(token, tokens_->text(token));
    const auto pieces = trigger_->add(token, tokens_->text(token));
    if (!pieces) return {};
    trigger_.reset();
    for (const auto& piece : *pieces) {
      const auto moved = move(piece.token, piece.text);
      if (moved.ok()) continue;
      // What set the grammar off was not what it begins with: then the answer is free text.
      free_ = !machine_.exhausted();
      return free_ ? Result<>() : moved;
    }
    return {};
  }

 private:
  bool may_end() const { return at_.more == 0 && machine_.complete(at_.state); }

  Result<> checked() const {
    if (!machine_.exhausted()) return {};
    return fail(ErrorKind::invalid_argument,
                "the grammar is too ambiguous (or refers to itself on its left): a step would "
                "look at more than " +
                    std::to_string(kWorkPerStep) + " places in it");
  }

  Result<> move(Token token, std::string_view text) {
    machine_.allow(kWorkPerStep);
    if (tokens_->ends(token)) {
      if (may_end()) return {};
      return fail(ErrorKind::internal, "the answer ended where its grammar does not");
    }
    at_ = after(token, text);
    TRY(checked());
    if (at_.dead()) {
      return fail(ErrorKind::internal, "the grammar lost its way at '" + std::string(text) + "'");
    }
    at_.state = machine_.tidy(at_.state);
    return {};
  }

  Cursor after(Token token, std::string_view text) {
    if (text.empty()) return {};
    Cursor at = at_;
    for (const char byte : text) {
      if (at.dead()) break;
      at = after(at, static_cast<std::uint8_t>(byte));
    }
    if (!may_stop(at)) at = {};
    if (at_.more == 0 && machine_.wants_token(at_.state)) {
      at.state = machine_.either(machine_.after_token(at_.state, token), at.state);
    }
    return at;
  }

  Cursor after(Cursor at, std::uint8_t byte) {
    if (at.more > 0) {
      if ((byte & 0xC0U) != 0x80) return {};
      at.begun = (at.begun << 6U) | (byte & 0x3FU);
      if (--at.more > 0) return at;
      const bool real = at.begun >= at.least && at.begun <= kLastLetter &&
                        (at.begun < kSurrogates.first || at.begun > kSurrogates.last);
      return real ? in(machine_.after(at.state, at.begun)) : Cursor();
    }
    if (byte < 0x80) return in(machine_.after(at.state, byte));
    if (byte < 0xC2 || byte > 0xF4) return {};
    at.more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    at.begun = byte & (0x3FU >> at.more);
    at.least = at.more == 3 ? 0x10000 : at.more == 2 ? 0x800 : 0x80;
    return at;
  }
  static Cursor in(GrammarMachine::State state) {
    Cursor at;
    at.state = state;
    return at;
  }

  // A token may end inside a character if one that begins so fits.
  bool may_stop(const Cursor& at) {
    if (at.dead() || at.more == 0) return !at.dead();
    const unsigned bits = 6U * at.more;
    const char32_t last = ((at.begun + 1) << bits) - 1;
    const char32_t first = std::max<char32_t>(at.begun << bits, at.least);
    if (first > std::min(last, kLastLetter)) return false;
    if (first >= kSurrogates.first && last <= kSurrogates.last) return false;
    return machine_.takes_some(at.state, {first, last});
  }

  // path_[n] is where the first n bytes of the current text lead; the last one may be dead.
  void walk_vocabulary() {
    const bool wants_token = at_.more == 0 && machine_.wants_token(at_.state);
    path_.assign(1, at_);
    for (const TokenTexts::Entry& entry : tokens_->sorted()) {
      if (machine_.exhausted()) return;
      if (path_.size() > entry.shared + 1) path_.resize(entry.shared + 1);
      const std::string_view text = tokens_->text(entry.token);
      while (!path_.back().dead() && path_.size() <= text.size()) {
        path_.push_back(after(path_.back(), static_cast<std::uint8_t>(text[path_.size() - 1])));
      }
      const bool fits =
          may_stop(path_.back()) || (wants_token && machine_.takes_token(at_.state, entry.token));
      fits_[static_cast<std::size_t>(entry.token)] = fits;
    }
  }

  const std::shared_ptr<const TokenTexts> tokens_;
  GrammarMachine machine_;
  std::optional<GrammarTrigger> trigger_;  // while a lazy grammar waits
  bool free_ = false;
  Cursor at_;
  std::vector<Cursor> path_;
  std::vector<bool> fits_;
};

}  // namespace

Result<std::unique_ptr<Constraint>> make_grammar(std::shared_ptr<const TokenTexts> tokens,
                                                 const GrammarSource& source) {
  const auto named = [&](std::string_view text) { return tokens->find(text); };
  GrammarRules rules = TRY(read_gbnf(source.text, named));
  std::optional<GrammarTrigger> trigger;
  try {
    if (source.lazy) trigger.emplace(source.trigger_patterns, source.trigger_tokens);
  } catch (const std::exception& error) {
    return fail(ErrorKind::invalid_argument,
                std::string("the grammar's trigger cannot be used: ") + error.what());
  }
  auto grammar = std::make_unique<Grammar>(std::move(tokens), std::move(rules), std::move(trigger));
  TRY(grammar->start());
  for (const Token token : source.begun) TRY(grammar->accept(token));
  return std::unique_ptr<Constraint>(std::move(grammar));
}

}  // namespace quern::inference
