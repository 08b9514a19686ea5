// A model's own chat format, as its file describes it: messages and tools become a prompt, and the
// answer's text becomes content, reasoning and tool calls. On llama.cpp's `common`.
#pragma once

#include "inference/answer_parser.hpp"
#include "inference/control_words.hpp"
#include "inference/grammar.hpp"
#include "inference/weights.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace quern::inference {

// A conversation in the model's form.
struct RenderedChat {
  Prompt prompt;  // what the conversation's texts spell is text in it, never a control token
  std::vector<std::string> stop;         // added by the format
  std::set<Token> shown;                 // control tokens that the parser reads
  std::optional<GrammarSource> grammar;  // for tools or the response format
  std::unique_ptr<AnswerParser> parser;  // null: plain text
};

class ChatFormat {
 public:
  // Null when the file has no chat template. unsupported: it has one that cannot be read.
  static Result<std::unique_ptr<ChatFormat>> of(std::shared_ptr<const Weights> weights);
  virtual ~ChatFormat() = default;

  // Any thread, one at a time. invalid_argument: the conversation does not fit the template.
  virtual Result<RenderedChat> render(const ChatRequest& request) const = 0;
};

// The grammar for a response format; none for plain text.
Result<std::optional<GrammarSource>> grammar_of(const ResponseFormat& format);

}  // namespace quern::inference
