// Fuzzes what a request may demand of its answer: a JSON Schema or a grammar, a NUL, and the
// answer.
//
// Every demand becomes a constraint or an error; what a constraint allows it also accepts; and no
// step takes longer than the fuzzer's time limit.
#include "inference/grammar.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

namespace {

using namespace quern;
using namespace quern::inference;

constexpr Token kEnd = 256;
constexpr std::size_t kLongestAnswer = 64;

// One token a byte, and one that ends the answer.
class Letters final : public Vocabulary {
 public:
  std::uint32_t size() const override { return kEnd + 1; }
  std::string bytes_of(Token token, Special /*special*/) const override {
    return ends(token) ? std::string("<end>") : std::string(1, static_cast<char>(token));
  }
  bool ends(Token token) const override { return token == kEnd; }
};

// An error that is the fault of whoever sent the demand.
void expect_blameless(const Error& error) {
  if (error.kind() != ErrorKind::invalid_argument || error.message().empty()) std::abort();
}

void speak(Constraint& constraint, const std::string& answer) {
  for (const char letter : answer) {
    const auto token = static_cast<Token>(static_cast<unsigned char>(letter));
    const auto allowed = constraint.allows(token);
    if (!allowed.ok()) return expect_blameless(allowed.error());
    if (!*allowed) break;
    const auto accepted = constraint.accept(token);
    if (!accepted.ok()) return expect_blameless(accepted.error());
  }
  std::vector<float> logits(kEnd + 1, 0.F);
  const auto masked = constraint.mask(logits);
  if (!masked.ok()) expect_blameless(masked.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), size);
  std::string text = input.substr(0, end);
  if (text.starts_with('{')) {
    auto grammar = grammar_of_schema(text);
    if (!grammar.ok()) {
      expect_blameless(grammar.error());
      return 0;
    }
    text = *std::move(grammar);
  }
  const auto constraint =
      make_grammar(std::make_shared<TokenTexts>(Letters()), {.text = std::move(text)});
  if (!constraint.ok()) {
    expect_blameless(constraint.error());
    return 0;
  }
  speak(**constraint, input.substr(std::min(end + 1, size), kLongestAnswer));
  return 0;
}
