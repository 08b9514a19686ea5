#include "inference/prompt_tokens.hpp"

#include <llama.h>

namespace quern::inference {
namespace {

// A tokenizer reads half a megabyte a second when the text is one endless word, and its time grows
// with the square of the words that are tokens. Such pieces take less than a tenth of a second, and
// a prompt that is cut between words once in 32 KiB has the tokens it would have uncut.
constexpr std::size_t kPiece = 32 * 1024;

}  // namespace

Result<std::vector<Token>> tokens_of(const Weights& weights, const Prompt& prompt,
                                     const KeepOn& keep_on) {
  const llama_vocab* const vocab = weights.vocab();
  const Token begin = llama_vocab_bos(vocab);
  std::vector<Token> tokens;
  if (llama_vocab_get_add_bos(vocab) && begin != LLAMA_TOKEN_NULL) tokens.push_back(begin);
  for (const PromptPart& part : prompt) {
    std::string_view rest = part.text;
    while (!rest.empty()) {
      TRY(keep_on());
      const std::string_view piece = rest.substr(0, weights.control_words().cut(rest, kPiece));
      const auto read = TRY(
          weights.tokenize(piece, Weights::Begin::bare, part.reads == PromptPart::Reads::control));
      tokens.insert(tokens.end(), read.begin(), read.end());
      rest.remove_prefix(piece.size());
    }
  }
  if (llama_vocab_get_add_eos(vocab)) tokens.push_back(llama_vocab_eos(vocab));
  if (tokens.empty() && begin != LLAMA_TOKEN_NULL) tokens.push_back(begin);
  if (tokens.empty()) return fail(ErrorKind::invalid_argument, "the prompt is empty");
  return tokens;
}

}  // namespace quern::inference
