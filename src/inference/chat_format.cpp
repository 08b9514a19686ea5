#include "inference/chat_format.hpp"

#include "base/log.hpp"
#include "inference/plain_tools.hpp"
#include "inference/schema_check.hpp"
#include "inference/tool_call_ids.hpp"

#include <chat.h>
#include <llama.h>
#include <nlohmann/json.hpp>

#include <mutex>

namespace quern::inference {
namespace {

const char* name_of(Role role) {
  switch (role) {
    case Role::system: return "system";
    case Role::developer: return "developer";
    case Role::user: return "user";
    case Role::assistant: return "assistant";
    case Role::tool: return "tool";
  }
  return "user";
}

// llama.cpp parses the whole text anew with each piece and tells what has changed.
class FormatParser final : public AnswerParser {
 public:
  explicit FormatParser(const common_chat_params& params) : params_(params) {
    params_.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    params_.parser.load(params.parser);
  }

  std::vector<Event> add(std::string_view text) override {
    text_ += text;
    return update(true);
  }
  std::vector<Event> end(End end) override { return update(end == End::cut); }
  bool calls_tools() const override { return !message_.tool_calls.empty(); }

 private:
  std::vector<Event> update(bool partial) {
    std::vector<Event> events;
    try {
      common_chat_msg next = common_chat_parse(text_, partial, params_);
      if (next.empty()) return events;
      next.set_tool_call_ids(ids_, make_tool_call_id);
      for (const auto& diff : common_chat_msg_diff::compute_diffs(message_, next)) {
        add_events(diff, events);
      }
      message_ = std::move(next);
    } catch (const std::exception& error) {
      // A half-said form that is not one yet, or never: what was understood until now stands.
      log::debug("inference", std::string("answer not in the model's format: ") + error.what());
    }
    return events;
  }

  static void add_events(const common_chat_msg_diff& diff, std::vector<Event>& events) {
    if (!diff.reasoning_content_delta.empty()) {
      events.emplace_back(Reasoning{diff.reasoning_content_delta});
    }
    if (!diff.content_delta.empty()) events.emplace_back(Content{diff.content_delta});
    if (diff.tool_call_index == std::string::npos) return;
    const auto& call = diff.tool_call_delta;
    ToolCallDelta delta{.index = static_cast<std::uint32_t>(diff.tool_call_index),
                        .id = {},
                        .name = {},
                        .arguments = call.arguments};
    if (!call.name.empty()) {
      delta.id = call.id;
      delta.name = call.name;
    }
    events.emplace_back(std::move(delta));
  }

  common_chat_parser_params params_;
  std::string text_;
  common_chat_msg message_;
  std::vector<std::string> ids_;
};

class LlamaChatFormat final : public ChatFormat {
 public:
  LlamaChatFormat(std::shared_ptr<const Weights> weights, common_chat_templates_ptr templates)
      : weights_(std::move(weights)), templates_(std::move(templates)) {
    try {
      common_chat_templates_inputs probe;
      probe.messages.push_back(message_of({.role = Role::user, .text = "x"}));
      thinks_ = common_chat_templates_apply(templates_.get(), probe).supports_thinking;
    } catch (const std::exception&) {
      thinks_ = true;  // then every answer goes through the parser
    }
    knows_tools_ = common_chat_templates_get_caps(templates_.get())["supports_tools"];
  }

  Result<RenderedChat> render(const ChatRequest& request) const override {
    TRY(check(request));
    if (!knows_tools_) return render_without_tools(request);
    common_chat_templates_inputs inputs = inputs_of(request);
    const bool tools = !inputs.tools.empty() && inputs.tool_choice != COMMON_CHAT_TOOL_CHOICE_NONE;
    return render_as(request, std::move(inputs), !tools && !thinks_);
  }

 private:
  Result<RenderedChat> render_as(const ChatRequest& request, common_chat_templates_inputs inputs,
                                 bool plain) const {
    inputs.force_pure_content = plain || request.format.kind == ResponseFormat::Kind::grammar;
    try {
      return plain ? render_plain(request, inputs) : render_parsed(request, std::move(inputs));
    } catch (const std::exception& error) {
      return fail(ErrorKind::invalid_argument,
                  std::string("the model's chat template refuses this: ") + error.what());
    }
  }

  // The template knows no tools: they are told in plain messages (plain_tools.hpp).
  Result<RenderedChat> render_without_tools(const ChatRequest& request) const {
    using Choice = ToolChoice::Kind;
    const Choice choice = request.tool_choice.kind;
    ChatRequest plain;
    plain.format = request.format;
    plain.enable_thinking = request.enable_thinking;
    std::vector<Tool> tools;
    for (const Tool& tool : request.tools) {
      const bool wanted = choice != Choice::named || tool.name == request.tool_choice.name;
      if (wanted && choice != Choice::none) tools.push_back(tool);
    }
    plain.messages = tell_tools(request.messages, tools);
    RenderedChat chat = TRY(render_as(plain, inputs_of(plain), !thinks_ || !tools.empty()));
    if (tools.empty()) return chat;
    const bool must = choice == Choice::required || choice == Choice::named;
    // A named tool is called once.
    const bool several = request.parallel_tool_calls && choice != Choice::named;
    chat.grammar = GrammarSource{.text = TRY(grammar_of_schema(schema_of_calls(tools, several))),
                                 .lazy = !must};
    if (!must) chat.grammar->trigger_patterns.emplace_back(kCallsBegin);
    chat.parser = make_calls_parser();
    return chat;
  }

  static common_chat_msg message_of(const Message& message) {
    common_chat_msg out;
    out.role = name_of(message.role);
    out.content = message.text;
    out.reasoning_content = message.reasoning;
    out.tool_call_id = message.tool_call_id;
    if (message.role == Role::tool) out.tool_name = message.name;
    for (const ToolCall& call : message.tool_calls) {
      out.tool_calls.push_back({.name = call.name, .arguments = call.arguments, .id = call.id});
    }
    return out;
  }

  static Result<> check(const ChatRequest& request) {
    using Choice = ToolChoice::Kind;
    const Choice choice = request.tool_choice.kind;
    if (request.messages.empty()) {
      return fail(ErrorKind::invalid_argument, "the conversation is empty");
    }
    const auto named = [&](const Tool& tool) { return tool.name == request.tool_choice.name; };
    if (choice == Choice::named &&
        std::none_of(request.tools.begin(), request.tools.end(), named)) {
      return fail(ErrorKind::invalid_argument,
                  "tool_choice names '" + request.tool_choice.name + "', which is not a tool");
    }
    if (choice == Choice::required && request.tools.empty()) {
      return fail(ErrorKind::invalid_argument, "a tool call is required but there are no tools");
    }
    if (!request.tools.empty() && choice != Choice::none &&
        request.format.kind != ResponseFormat::Kind::text) {
      return fail(ErrorKind::unsupported,
                  "tools and a response format cannot be enforced together");
    }
    for (const Message& message : request.messages) {
      for (const ToolCall& call : message.tool_calls) {
        if (!nlohmann::json::accept(call.arguments)) {
          return fail(ErrorKind::invalid_argument,
                      "the arguments of tool call '" + call.name + "' are not JSON");
        }
      }
    }
    for (const Tool& tool : request.tools) {
      if (tool.name.empty()) return fail(ErrorKind::invalid_argument, "a tool has no name");
      if (!tool.parameters.empty() && !nlohmann::json::accept(tool.parameters)) {
        return fail(ErrorKind::invalid_argument,
                    "the parameters of tool '" + tool.name + "' are not JSON");
      }
    }
    return {};
  }

  static common_chat_templates_inputs inputs_of(const ChatRequest& request) {
    common_chat_templates_inputs inputs;
    for (const Message& message : request.messages) inputs.messages.push_back(message_of(message));
    const bool named = request.tool_choice.kind == ToolChoice::Kind::named;
    for (const Tool& tool : request.tools) {
      if (named && tool.name != request.tool_choice.name) continue;
      inputs.tools.push_back({.name = tool.name,
                              .description = tool.description,
                              .parameters = tool.parameters.empty() ? "{}" : tool.parameters});
    }
    switch (request.tool_choice.kind) {
      case ToolChoice::Kind::automatic: inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_AUTO; break;
      case ToolChoice::Kind::none: inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_NONE; break;
      case ToolChoice::Kind::required:
      case ToolChoice::Kind::named: inputs.tool_choice = COMMON_CHAT_TOOL_CHOICE_REQUIRED; break;
    }
    inputs.parallel_tool_calls = request.parallel_tool_calls;
    inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    inputs.enable_thinking = request.enable_thinking.value_or(true);
    return inputs;
  }

  Result<RenderedChat> render_plain(const ChatRequest& request,
                                    const common_chat_templates_inputs& inputs) const {
    RenderedChat chat;
    chat.grammar = TRY(grammar_of(request.format));
    chat.prompt = prompt_of(inputs, apply(inputs).prompt);
    return chat;
  }

  common_chat_params apply(const common_chat_templates_inputs& inputs) const {
    const std::lock_guard lock(mutex_);
    return common_chat_templates_apply(templates_.get(), inputs);
  }

  // `rendered` from `inputs`, with the control tokens of the template alone. Rendered anew where a
  // text names any: grammars and parsers are made of the texts as they are.
  Prompt prompt_of(common_chat_templates_inputs inputs, std::string rendered) const {
    ControlMarks marks(weights_->control_words());
    for (common_chat_msg& message : inputs.messages) {
      marks.mark(message.content);
      marks.mark(message.reasoning_content);
      marks.mark(message.tool_name);
      marks.mark(message.tool_call_id);
      for (common_chat_tool_call& call : message.tool_calls) {
        marks.mark(call.name);
        marks.mark(call.id);
        marks.mark_json(call.arguments);
      }
    }
    for (common_chat_tool& tool : inputs.tools) {
      marks.mark(tool.name);
      marks.mark(tool.description);
      marks.mark_json(tool.parameters);
    }
    if (!marks.used()) return {{.text = std::move(rendered)}};
    return marks.parts(apply(inputs).prompt);
  }

  Result<RenderedChat> render_parsed(const ChatRequest& request,
                                     common_chat_templates_inputs inputs) const {
    using Kind = ResponseFormat::Kind;
    if (request.format.kind == Kind::json_object) inputs.json_schema = R"({"type":"object"})";
    if (request.format.kind == Kind::json_schema) {
      TRY(check_schema(request.format.source));
      inputs.json_schema = request.format.source;
    }
    const common_chat_params params = apply(inputs);
    RenderedChat chat;
    chat.prompt = prompt_of(std::move(inputs), params.prompt);
    chat.stop = params.additional_stops;
    if (request.format.kind == Kind::grammar) {
      chat.grammar = TRY(grammar_of(request.format));
      return chat;
    }
    for (const std::string& text : params.preserved_tokens) {
      const auto tokens = TRY(weights_->tokenize(text, Weights::Begin::bare, true));
      if (tokens.size() == 1) chat.shown.insert(tokens.front());
    }
    if (!params.grammar.empty()) chat.grammar = TRY(tool_grammar(params, chat.shown));
    chat.parser = std::make_unique<FormatParser>(params);
    return chat;
  }

  Result<GrammarSource> tool_grammar(const common_chat_params& params,
                                     const std::set<Token>& shown) const {
    GrammarSource source{.text = params.grammar, .lazy = params.grammar_lazy};
    for (const auto& trigger : params.grammar_triggers) {
      switch (trigger.type) {
        case COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN:
          source.trigger_tokens.push_back(trigger.token);
          break;
        case COMMON_GRAMMAR_TRIGGER_TYPE_WORD: {
          const auto tokens = TRY(weights_->tokenize(trigger.value, Weights::Begin::bare, true));
          if (tokens.size() == 1 && shown.contains(tokens.front())) {
            source.trigger_tokens.push_back(tokens.front());
          } else {
            source.trigger_patterns.push_back(regex_escape(trigger.value));
          }
          break;
        }
        case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN:
          source.trigger_patterns.push_back(trigger.value);
          break;
        case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL:
          source.trigger_patterns.push_back("^" + trigger.value + "$");
          break;
      }
    }
    if (!source.lazy && !params.generation_prompt.empty()) {
      source.begun = TRY(weights_->tokenize(params.generation_prompt, Weights::Begin::bare, true));
    }
    return source;
  }

  std::shared_ptr<const Weights> weights_;
  common_chat_templates_ptr templates_;
  bool thinks_ = false;
  bool knows_tools_ = false;
  mutable std::mutex mutex_;  // templates are not promised to be safe for two threads
};

}  // namespace

Result<std::unique_ptr<ChatFormat>> ChatFormat::of(std::shared_ptr<const Weights> weights) {
  const char* const source = llama_model_chat_template(weights->model(), nullptr);
  if (source == nullptr || *source == '\0') return std::unique_ptr<ChatFormat>();
  try {
    auto templates = common_chat_templates_init(weights->model(), "");
    return std::unique_ptr<ChatFormat>(
        std::make_unique<LlamaChatFormat>(std::move(weights), std::move(templates)));
  } catch (const std::exception& error) {
    return fail(ErrorKind::unsupported,
                std::string("the model's chat template cannot be read: ") + error.what());
  }
}

Result<std::optional<GrammarSource>> grammar_of(const ResponseFormat& format) {
  GrammarSource source;
  switch (format.kind) {
    case ResponseFormat::Kind::text: return std::optional<GrammarSource>();
    case ResponseFormat::Kind::json_object: source.text = TRY(grammar_of_json_object()); break;
    case ResponseFormat::Kind::json_schema:
      source.text = TRY(grammar_of_schema(format.source));
      break;
    case ResponseFormat::Kind::grammar: source.text = format.source; break;
  }
  return std::optional<GrammarSource>(std::move(source));
}

}  // namespace quern::inference
