#include "cli/conversation.hpp"

#include "base/text.hpp"
#include "cli/amounts.hpp"
#include "cli/exit_codes.hpp"

namespace quern::cli {
namespace {

using inference::Role;

constexpr std::string_view kHelp =
    "  /system TEXT   tell the model who it is (begins anew)\n"
    "  /reset         forget what was said\n"
    "  /model [NAME]  talk to another model; without a name, list those that are loaded\n"
    "  /save FILE     write the conversation as Markdown\n"
    "  /stats         tokens and times of the last answer\n"
    "  /quit          end (so does Ctrl-D)\n"
    "\n"
    "  A line that ends with \\ goes on, and so does Alt-Enter. Up and down recall what you\n"
    "  wrote. Ctrl-C stops an answer.\n";

std::string_view title(Role role) {
  switch (role) {
    case Role::system:
    case Role::developer: return "System";
    case Role::user: return "You";
    case Role::assistant: return "Model";
    case Role::tool: return "Tool";
  }
  return "";
}

// Prints an answer as it comes. Thoughts are dim on a terminal and left out elsewhere.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(Console& console)
      : console_(console), terminal_(console.out_is_terminal()) {}

  void operator()(const inference::Event& event) {
    if (const auto* thought = std::get_if<inference::Reasoning>(&event)) {
      if (terminal_) console_.out("\x1b[2m" + harmless(thought->text) + "\x1b[22m");
      thinking_ = true;
    }
    if (const auto* content = std::get_if<inference::Content>(&event)) {
      if (thinking_ && terminal_) console_.out("\n\n");
      thinking_ = false;
      console_.out(terminal_ ? harmless(content->text) : content->text);
      text_ += content->text;
    }
  }
  const std::string& text() const { return text_; }

 private:
  Console& console_;
  const bool terminal_;
  bool thinking_ = false;
  std::string text_;
};

}  // namespace

Conversation::Conversation(const Chat& options, Models& models,
                           std::shared_ptr<inference::Model> model, const Home& home, World& world)
    : options_(options),
      models_(models),
      model_(std::move(model)),
      home_(home),
      world_(world),
      system_(options.system) {
  reset();
}

void Conversation::reset() {
  messages_.clear();
  if (!system_.empty()) messages_.push_back({.role = Role::system, .text = system_});
}

Result<> Conversation::ask(std::string text) {
  inference::ChatRequest request;
  request.messages = messages_;
  request.messages.push_back({.role = Role::user, .text = std::move(text)});
  request.sampling.temperature = options_.temperature;
  request.sampling.seed = options_.seed;
  request.sampling.max_tokens = options_.max_tokens;
  std::vector<inference::Message> said = request.messages;

  std::stop_source interrupted;
  const OnSignal on_signal =
      world_.signals.on_signal([&](int /*signal*/) { interrupted.request_stop(); });
  const std::unique_ptr<inference::Generation> generation =
      TRY(model_->chat(std::move(request), {.tenant = "terminal"}));
  AnswerPrinter printer(world_.console);
  const Result<inference::Finished> finished = read_answer(
      *generation, interrupted.get_token(), [&](const inference::Event& event) { printer(event); });
  world_.console.out("\n");
  if (!finished) return fail(finished.error());
  last_ = *finished;
  said.push_back({.role = Role::assistant, .text = printer.text()});
  messages_ = std::move(said);
  if (interrupted.stop_requested()) return fail(ErrorKind::cancelled, "the answer was stopped");
  return {};
}

Conversation::Next Conversation::command(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
  Result<> done;
  if (name == "/quit" || name == "/exit" || name == "/q") return Next::quit;
  if (name == "/help" || name == "/?") {
    world_.console.out(kHelp);
  } else if (name == "/reset") {
    reset();
    world_.console.out("  forgotten\n");
  } else if (name == "/system") {
    system_ = rest;
    reset();
    world_.console.out(system_.empty() ? "  no system message\n" : "  a new conversation\n");
  } else if (name == "/stats") {
    show_stats();
  } else if (name == "/model") {
    done = change_model(rest);
  } else if (name == "/save") {
    done = save(rest);
  } else {
    done = fail(with_advice(
        Error(ErrorKind::invalid_argument, "unknown command " + std::string(name)), "/help"));
  }
  if (!done) world_.console.err(failure_text(done.error()));
  return Next::go_on;
}

void Conversation::show_stats() {
  const inference::Usage& usage = last_.usage;
  const inference::Timings& times = last_.timings;
  std::string text = "  prompt   " + with_commas(usage.prompt_tokens) + " tokens, " +
                     with_commas(usage.cached_tokens) + " of them known already, in " +
                     decimal(times.prefill_ms, 0) + " ms\n";
  text += "  answer   " + with_commas(usage.completion_tokens) + " tokens in " +
          decimal(times.decode_ms, 0) + " ms";
  if (times.decode_ms > 0) {
    text += ", " + decimal(usage.completion_tokens * 1000.0 / times.decode_ms, 1) + " a second";
  }
  world_.console.out(text + "\n");
}

Result<> Conversation::change_model(std::string_view name) {
  if (name.empty()) {
    for (const auto& model : models_.all()) {
      world_.console.out((model == model_ ? "  * " : "    ") + model->info().name + "\n");
    }
    return {};
  }
  std::stop_source interrupted;
  const OnSignal on_signal =
      world_.signals.on_signal([&](int /*signal*/) { interrupted.request_stop(); });
  model_ = TRY(models_.add(std::string(name), home_, world_, interrupted.get_token()));
  world_.console.out("  " + model_->info().name + " goes on from here\n");
  return {};
}

std::string Conversation::as_markdown() const {
  std::string text;
  for (const inference::Message& message : messages_) {
    text += "## " + std::string(title(message.role)) + "\n\n" + message.text + "\n\n";
  }
  return text;
}

Result<> Conversation::save(std::string_view file) {
  if (file.empty()) return fail(ErrorKind::invalid_argument, "/save needs a file's name");
  TRY(world_.files.write(std::string(file), as_bytes(as_markdown())));
  world_.console.out("  saved in " + std::string(file) + "\n");
  return {};
}

}  // namespace quern::cli
