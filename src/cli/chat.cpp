#include "base/text.hpp"
#include "cli/conversation.hpp"
#include "cli/exit_codes.hpp"
#include "cli/line_editor.hpp"

namespace quern::cli {
namespace {

// More than any context holds, and small enough to keep.
constexpr std::size_t kMaxPiped = std::size_t{16} << 20U;

// The words of the command line, what came through the pipe, or both.
std::string one_question(const Chat& options, Console& console) {
  std::string text;
  for (const std::string& word : options.prompt) text += (text.empty() ? "" : " ") + word;
  if (console.in_is_terminal()) return text;
  const std::string piped = console.read_all(kMaxPiped);
  if (!text.empty() && !piped.empty()) text += "\n\n";
  return text + piped;
}

void converse(Conversation& conversation, const Home& home, World& world) {
  History history(home.history, world.files);
  LineEditor editor(history, world.console);
  for (;;) {
    const std::optional<std::string> line = editor.read("> ");
    if (!line) return;
    const std::string_view text = trim(*line);
    if (text.empty()) continue;
    if (text.front() == '/') {
      if (conversation.command(text) == Conversation::Next::quit) return;
      continue;
    }
    const Result<> answered = conversation.ask(std::string(text));
    if (!answered && answered.error().kind() != ErrorKind::cancelled) {
      world.console.err(failure_text(answered.error()));
    }
    world.console.out("\n");
  }
}

// Ctrl-C while weights are loaded ends the program in the ordinary way.
Result<> wait_for(Models& models, World& world) {
  std::stop_source interrupted;
  const OnSignal on_signal =
      world.signals.on_signal([&](int /*signal*/) { interrupted.request_stop(); });
  Result<> ready = models.wait(interrupted.get_token());
  if (interrupted.stop_requested()) {
    return fail(ErrorKind::cancelled, "stopped before the model was loaded");
  }
  return ready;
}

}  // namespace

Result<int> chat(const Chat& options, World& world) {
  const Home home = TRY(find_home(world.process));
  const bool talk = options.prompt.empty() && world.console.in_is_terminal();
  std::string question = talk ? "" : one_question(options, world.console);
  if (!talk && trim(question).empty()) {
    return fail(with_advice(Error(ErrorKind::invalid_argument, "there is no question"),
                            "quern chat \"Why is the sky blue?\""));
  }
  Models models;
  models.start(options.model, home, world);
  TRY(wait_for(models, world));
  const std::shared_ptr<inference::Model> model = models.all().front();
  Conversation conversation(options, models, model, home, world);
  if (!talk) {
    TRY(conversation.ask(std::move(question)));
    return kSuccess;
  }
  const std::string reason = models.reason();
  world.console.out("  " + model->info().name + (reason.empty() ? "" : ": " + reason) +
                    "\n  /help shows what else you can do\n\n");
  converse(conversation, home, world);
  return kSuccess;
}

}  // namespace quern::cli
