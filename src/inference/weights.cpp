#include "inference/weights.hpp"

#include <llama.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace quern::inference {
namespace {

// A longer text cannot be given to llama.cpp, which counts bytes in 32 bits.
constexpr std::size_t kLongestText = std::numeric_limits<std::int32_t>::max() / 4;

template <class Number>
void read_number(const std::string& text, Number& into) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) into = value;
}

// The words that a tokenizer reads as tokens only where it is told to.
ControlWords control_words_of(const llama_vocab* vocab, std::uint32_t size) {
  constexpr unsigned kControl = LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN;
  std::vector<std::string> words;
  for (std::uint32_t i = 0; i < size; ++i) {
    const auto token = static_cast<Token>(i);
    if ((llama_vocab_get_attr(vocab, token) & kControl) == 0) continue;
    words.emplace_back(llama_vocab_get_text(vocab, token));
  }
  return ControlWords(std::move(words));
}

// Of the tokens' bytes; a token's text in the vocabulary is never shorter than those.
std::size_t longest_token_of(const Vocabulary& vocabulary, const llama_vocab* vocab) {
  std::size_t longest = 1;
  for (std::uint32_t i = 0; i < vocabulary.size(); ++i) {
    const auto token = static_cast<Token>(i);
    if (std::string_view(llama_vocab_get_text(vocab, token)).size() <= longest) continue;
    longest = std::max(longest, vocabulary.bytes_of(token, Vocabulary::Special::show).size());
  }
  return longest;
}

}  // namespace

Weights::Weights(llama_model* model)
    : model_(model),
      vocab_(llama_model_get_vocab(model)),
      size_(static_cast<std::uint32_t>(llama_vocab_n_tokens(vocab_))),
      longest_token_(longest_token_of(*this, vocab_)),
      control_words_(control_words_of(vocab_, size_)) {}

Weights::~Weights() { llama_model_free(model_); }

std::string Weights::bytes_of(Token token, Special special) const {
  if (token < 0 || static_cast<std::uint32_t>(token) >= size_) return {};
  std::string bytes(32, '\0');
  for (int attempt = 0; attempt < 2; ++attempt) {
    const std::int32_t length =
        llama_token_to_piece(vocab_, token, bytes.data(), static_cast<std::int32_t>(bytes.size()),
                             0, special == Special::show);
    bytes.resize(static_cast<std::size_t>(std::abs(length)));
    if (length >= 0) return bytes;
  }
  return {};
}

bool Weights::ends(Token token) const { return llama_vocab_is_eog(vocab_, token); }

Result<std::vector<Token>> Weights::tokenize(std::string_view text, Begin begin,
                                             bool special) const {
  if (text.size() > kLongestText) {
    return fail(ErrorKind::resource_exhausted, "the text is too long to be tokenized");
  }
  std::vector<Token> tokens(text.size() / 3 + 16);
  try {
    for (int attempt = 0; attempt < 2; ++attempt) {
      const std::int32_t count =
          llama_tokenize(vocab_, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                         static_cast<std::int32_t>(tokens.size()), begin == Begin::add, special);
      tokens.resize(static_cast<std::size_t>(std::abs(count)));
      if (count >= 0) return tokens;
    }
  } catch (const std::exception& error) {
    return fail(ErrorKind::invalid_argument, std::string("cannot tokenize: ") + error.what());
  }
  return fail(ErrorKind::internal, "the tokenizer contradicts itself");
}

std::shared_ptr<const TokenTexts> Weights::texts() const {
  std::call_once(texts_once_, [this] { texts_ = std::make_shared<const TokenTexts>(*this); });
  return texts_;
}

std::string Weights::metadata(const char* key) const {
  const std::int32_t length = llama_model_meta_val_str(model_, key, nullptr, 0);
  if (length <= 0) return {};
  std::string value(static_cast<std::size_t>(length) + 1, '\0');
  llama_model_meta_val_str(model_, key, value.data(), value.size());
  value.pop_back();
  return value;
}

SamplerOptions Weights::sampling_defaults() const {
  SamplerOptions options;
  const auto value = [&](llama_model_meta_key key) {
    return metadata(llama_model_meta_key_str(key));
  };
  read_number(value(LLAMA_MODEL_META_KEY_SAMPLING_TEMP), options.temperature);
  read_number(value(LLAMA_MODEL_META_KEY_SAMPLING_TOP_K), options.top_k);
  read_number(value(LLAMA_MODEL_META_KEY_SAMPLING_TOP_P), options.top_p);
  read_number(value(LLAMA_MODEL_META_KEY_SAMPLING_MIN_P), options.min_p);
  read_number(value(LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_REPEAT), options.repeat_penalty);
  read_number(value(LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_LAST_N), options.repeat_last_n);
  return options;
}

}  // namespace quern::inference
