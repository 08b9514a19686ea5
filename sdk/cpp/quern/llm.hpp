// Language models for a guest: a program that runs inside Quern.
//
//     auto llm = quern::open();
//     quern::Stream stream = quern::stream(*llm, {.messages = {quern::user("What is a quern?")}});
//     for (const std::string& piece : stream) std::fputs(piece.c_str(), stdout);
//     if (stream.error()) complain(quern::describe(*stream.error()));
//
// Nothing here throws. JSON is nlohmann's, with JSON_NOEXCEPTION.
#pragma once

#include "quern/model.hpp"
#include <nlohmann/json.hpp>

#include <functional>
#include <iterator>

namespace quern {

using llm::Error;
using llm::ErrorKind;
using llm::Message;
using llm::Result;
using llm::Role;
using llm::Sampling;

inline Message message(Role role, std::string text) {
  Message result;
  result.role = role;
  result.content.push_back({.data = std::move(text), .mime_type = {}});
  return result;
}
inline Message user(std::string text) { return message(Role::user, std::move(text)); }
inline Message system(std::string text) { return message(Role::system, std::move(text)); }

// An error in words for people.
inline std::string describe(const Error& error) {
  switch (error.kind) {
    case ErrorKind::context_full:
      return "the prompt has " + std::to_string(error.prompt_tokens) +
             " tokens, the model's context " + std::to_string(error.context_tokens);
    case ErrorKind::overloaded:
      return "the model is busy; try again in " + std::to_string(error.retry_ms) + " ms";
    case ErrorKind::deadline_exceeded: return "the answer took longer than it was given";
    case ErrorKind::cancelled: return "the answer was cancelled";
    default: return error.text;
  }
}

// A function that the model may call.
struct Tool {
  std::string name;
  std::string description;
  std::string parameters;  // JSON Schema of the arguments
  std::function<std::string(const nlohmann::json& arguments)> call;
};

// What a model is asked. An empty schema leaves the answer its form.
struct Question {
  std::vector<Message> messages;
  Sampling sampling = {};
  std::string schema = {};  // JSON Schema that the answer is forced into
  std::vector<Tool> tools = {};
  int max_rounds = 8;  // answers that may call tools; the next has to do without
};

// A whole answer.
struct Reply {
  std::string text;
  std::string reasoning;
  std::vector<llm::ToolCall> tool_calls;
  llm::Summary summary;
  std::vector<Message> messages;  // the conversation with this answer, to go on from
};

// An answer on its way: a range of the pieces of its text, read once. It ends at the answer's end
// or at an error. Destroying it cancels what is left.
class Stream {
 public:
  Stream(Result<Generation> generation, std::vector<Message> messages) {
    reply_.messages = std::move(messages);
    if (generation) {
      generation_ = std::move(*generation);
    } else {
      error_ = std::move(generation).error();
    }
  }

  // The next piece; waits for it. Nothing at the end.
  std::optional<std::string> next() {
    while (!ended()) {
      if (at_ == events_.size()) {
        read();
        continue;
      }
      if (auto piece = take(events_[at_++])) return piece;
    }
    return {};
  }

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Stream& stream) : stream_(&stream), piece_(stream.next()) {}
    const std::string& operator*() const { return *piece_; }
    Iterator& operator++() {
      piece_ = stream_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !piece_; }

   private:
    Stream* stream_;
    std::optional<std::string> piece_;
  };
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

  const std::optional<Error>& error() const { return error_; }

  // Ends the answer early: what was made can still be read, and then the stream is at its end.
  void cancel() {
    if (generation_) generation_->cancel();
  }

  // The whole answer; waits for it.
  Result<Reply> whole() {
    while (next()) {
    }
    if (error_) return llm::failed(*error_);
    return reply_;
  }

  // The answer as a T, whose from_json() nlohmann finds; waits for it. For an answer with a schema
  // that says what T holds.
  template <class T>
  Result<T> value() {
    Result<Reply> reply = whole();
    if (!reply) return llm::failed(std::move(reply).error());
    if (reply->summary.reason == llm::FinishReason::length) {
      return llm::failed({.kind = ErrorKind::invalid_argument,
                          .text = "the answer reached its length before it was whole; give it "
                                  "more max_tokens"});
    }
    const auto json = nlohmann::json::parse(reply->text, nullptr, false);
    if (json.is_discarded()) {
      return llm::failed({.kind = ErrorKind::internal, .text = "the answer is no JSON"});
    }
    return json.template get<T>();
  }

 private:
  bool ended() const { return finished_ || error_; }

  void read() {
    auto events = generation_->blocking_read();
    at_ = 0;
    if (events) {
      events_ = std::move(*events);
    } else {
      error_ = std::move(events).error();
    }
  }

  std::optional<std::string> take(llm::Event& event) {
    if (auto* content = std::get_if<llm::Content>(&event)) {
      reply_.text += content->text;
      return std::move(content->text);
    }
    if (const auto* reasoning = std::get_if<llm::Reasoning>(&event)) {
      reply_.reasoning += reasoning->text;
    } else if (const auto* delta = std::get_if<llm::ToolCallDelta>(&event)) {
      take_call(*delta);
    } else if (const auto* summary = std::get_if<llm::Summary>(&event)) {
      reply_.summary = *summary;
      Message said = message(Role::assistant, reply_.text);
      said.tool_calls = reply_.tool_calls;
      reply_.messages.push_back(std::move(said));
      finished_ = true;
    }
    return {};
  }

  void take_call(const llm::ToolCallDelta& delta) {
    if (reply_.tool_calls.size() <= delta.index) reply_.tool_calls.resize(delta.index + 1);
    llm::ToolCall& call = reply_.tool_calls[delta.index];
    call.id += delta.id.value_or("");
    call.name += delta.name.value_or("");
    call.arguments += delta.arguments;
  }

  std::optional<Generation> generation_;
  std::vector<llm::Event> events_;
  std::size_t at_ = 0;
  Reply reply_;
  std::optional<Error> error_;
  bool finished_ = false;
};

namespace detail {

inline llm::ChatOptions options_of(const Question& question) {
  llm::ChatOptions options;
  options.sampling = question.sampling;
  if (!question.schema.empty()) {
    options.format = {.kind = llm::Format::Kind::json_schema, .source = question.schema};
  }
  for (const Tool& tool : question.tools) {
    options.tools.push_back({tool.name, tool.description, tool.parameters});
  }
  return options;
}

inline Result<Message> call(const Question& question, const llm::ToolCall& call) {
  const auto arguments = nlohmann::json::parse(call.arguments, nullptr, false);
  for (const Tool& tool : question.tools) {
    if (tool.name != call.name || arguments.is_discarded()) continue;
    Message answer = message(Role::tool, tool.call(arguments));
    answer.tool_call_id = call.id;
    return answer;
  }
  return llm::failed({.kind = ErrorKind::internal,
                      .text = "the call of a tool ended before it was whole: " + call.name});
}

}  // namespace detail

// The answer piece by piece. Calls of tools are not made: they stand in the stream's reply.
inline Stream stream(const Model& model, const Question& question) {
  return {model.chat(question.messages, detail::options_of(question)), question.messages};
}

// Waits for the whole answer, and calls the tools that the model asks for.
inline Result<Reply> ask(const Model& model, Question question) {
  for (int left = question.max_rounds; left >= 0; --left) {
    llm::ChatOptions options = detail::options_of(question);
    if (left == 0) options.tool_choice.kind = llm::ToolChoice::Kind::none;
    Stream answer(model.chat(question.messages, options), question.messages);
    Result<Reply> reply = answer.whole();
    if (!reply || reply->tool_calls.empty() || question.tools.empty()) return reply;
    question.messages = reply->messages;
    for (const llm::ToolCall& wanted : reply->tool_calls) {
      Result<Message> called = detail::call(question, wanted);
      if (!called) return llm::failed(std::move(called).error());
      question.messages.push_back(std::move(*called));
    }
  }
  return llm::failed(
      {.kind = ErrorKind::internal, .text = "the model called a tool when it might not"});
}

}  // namespace quern
