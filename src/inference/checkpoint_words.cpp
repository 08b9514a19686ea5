// u32: the longest word's bytes; then for each word f32 score, u32 length, bytes. Spaces stand
// where sentencepiece has U+2581, and the begin and end of a text are written with line breaks
// around.
#include "inference/checkpoint_words.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string_view>

namespace quern::inference {
namespace {

constexpr std::uint32_t kLongestWord = 1U << 12U;
constexpr std::string_view kSpace = "\u2581";

Failure corrupt(const std::string& what) { return fail(ErrorKind::corrupt_data, what); }

bool is_byte(std::string_view word) {  // "<0x0A>"
  return word.size() == 6 && word.starts_with("<0x") && word.back() == '>' &&
         word.find_first_not_of("0123456789ABCDEF", 3) == 5;
}

CheckpointWord::Kind kind_of(std::uint32_t token, std::string_view word) {
  using Kind = CheckpointWord::Kind;
  if (token == 0) return Kind::unknown;
  if (token <= 2) return Kind::control;
  return is_byte(word) ? Kind::byte : Kind::normal;
}

std::string text_of(std::uint32_t token, std::string_view word) {
  if (token == 1) return "<s>";
  if (token == 2) return "</s>";
  if (word.empty()) return "[EMPTY" + std::to_string(token) + "]";
  std::string text;
  for (const char byte : word) {
    if (byte == ' ') {
      text += kSpace;
    } else {
      text += byte;
    }
  }
  return text;
}

// A text is made of words and, where none fits, of bytes: each byte has its word.
Result<> check_bytes(const std::set<std::string>& known) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::string word = std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + '>';
    if (!known.contains(word)) return corrupt("the word '" + word + "' of a byte is missing");
  }
  return {};
}

Result<std::vector<CheckpointWord>> read_from(std::ifstream& file, std::uint32_t count) {
  if (count < 3) {
    return corrupt("the model has " + std::to_string(count) +
                   " words; three stand for the unknown and for a text's begin and end");
  }
  std::vector<CheckpointWord> words;
  std::set<std::string> known;
  std::uint32_t longest = 0;
  file.read(reinterpret_cast<char*>(&longest), sizeof longest);
  for (std::uint32_t token = 0; token < count; ++token) {
    float score = 0;
    std::uint32_t length = 0;
    file.read(reinterpret_cast<char*>(&score), sizeof score);
    file.read(reinterpret_cast<char*>(&length), sizeof length);
    if (file && length > kLongestWord) return corrupt("a word is longer than can be");
    std::string word(file ? length : 0, '\0');
    file.read(word.data(), static_cast<std::streamsize>(word.size()));
    if (!file) {
      return corrupt("it ends after " + std::to_string(token) + " words, and the model has " +
                     std::to_string(count));
    }
    if (word.find('\0') != std::string::npos) return corrupt("a word has a zero byte in it");
    if (!std::isfinite(score)) return corrupt("a word's score is not a number");
    std::string text = text_of(token, word);
    if (!known.insert(text).second) return corrupt("the word '" + text + "' comes twice");
    words.push_back({.text = std::move(text), .score = score, .kind = kind_of(token, word)});
  }
  TRY(check_bytes(known));
  return words;
}

}  // namespace

Result<std::vector<CheckpointWord>> read_words(const std::filesystem::path& path,
                                               std::uint32_t count) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorKind::not_found, "a llama2.c checkpoint has its vocabulary beside it, and " +
                                          path.string() + " cannot be opened");
  }
  return read_from(file, count).context(path.string() + " is not this model's vocabulary");
}

}  // namespace quern::inference
