// `quern pipe FILE.toml`, `quern pipe check|test|init`.
#include "base/log.hpp"
#include "base/process.hpp"
#include "base/queue.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/pipe_example.hpp"
#include "cli/pipe_stages.hpp"

#include "pipeline/control.hpp"
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <stop_token>
#include <thread>

namespace quern::cli {
namespace {

using pipeline::Pipeline;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

void reload(Pipeline& pipeline) {
  const Result<pipeline::Difference> changed = pipeline.reload();
  if (!changed) {
    log::error("pipe", changed.error().describe());
    return;
  }
  log::info("pipe", "the file was read again; added: " + joined(changed->added) + "; changed: " +
                        joined(changed->changed) + "; removed: " + joined(changed->removed));
}

// What signals ask for, from before the pipeline is there: to make its stages may take long.
class Asked {
 public:
  void signal(int number) {
    if (number == SIGHUP) {
      (void)reload_.try_push(0);
      return;
    }
    if (signal_.exchange(number) != 0) ::_exit(ended_by(number));  // asked twice
    end();
  }
  // Ends what still waits, a reload among it.
  void end() { stop_.request_stop(); }
  // Waits until a reload is asked for, one at a time.
  bool reload(const std::stop_token& stop) { return reload_.pop(Deadline::never(), stop).ok(); }
  std::stop_token stop() const { return stop_.get_token(); }
  // To end; 0: nobody asked.
  int number() const { return signal_; }

 private:
  std::atomic<int> signal_{0};
  Queue<int> reload_{{.items = 1}};
  std::stop_source stop_;
};

std::map<std::string, pipeline::PageFile> page_of(const PipePage& page) {
  if (page.html.empty()) return {};
  return {{"/", {.type = "text/html; charset=utf-8", .bytes = as_text(page.html)}},
          {"/pipe.js", {.type = "text/javascript; charset=utf-8", .bytes = as_text(page.script)}},
          {"/pipe.css", {.type = "text/css; charset=utf-8", .bytes = as_text(page.style)}},
          {"/pipe.svg", {.type = "image/svg+xml", .bytes = as_text(page.icon)}}};
}

Result<int> run_pipeline(const Pipe& options, World& world) {
  Asked asked;
  const OnSignal watching = world.signals.on_signal([&](int number) { asked.signal(number); });
  PipeStages stages(world, asked.stop());
  auto started = Pipeline::start(options.file, stages.makers_of(), stages.world());
  if (!started && asked.number() != 0) return kSuccess;  // asked to end before it had begun
  const std::unique_ptr<Pipeline> running = TRY(std::move(started));
  const auto control = TRY(pipeline::Control::start(
      {.pipeline = *running, .files = world.files, .page = page_of(world.pipe_page)}));
  const std::jthread reloads([&](const std::stop_token& stop) {
    name_this_thread("quern-reload");
    while (asked.reload(stop)) reload(*running);
  });
  const pipeline::Plan& plan = running->plan();
  log::info("pipe", options.file.string() + ": " + std::to_string(plan.inputs.size()) +
                        " inputs, " + std::to_string(plan.filters.size()) + " filters, " +
                        std::to_string(plan.outputs.size()) + " outputs; numbers at " +
                        control->url() + "/metrics");
  const Result<> ended = running->wait(asked.stop());
  asked.end();
  running->stop();
  if (asked.number() != 0) return kSuccess;  // asked to end, and ended in order
  TRY(Result<>(ended));
  return kSuccess;
}

Result<int> check_pipeline(const Pipe& options, World& world) {
  PipeStages stages(world, {});
  TRY(pipeline::check(options.file, stages.makers_of(), stages.world()));
  world.console.out(options.file.string() + " is right\n");
  return kSuccess;
}

// A folder for what stages keep while they are tried.
class Scratch {
 public:
  explicit Scratch(World& world)
      : path_(std::filesystem::temp_directory_path() /
              ("quern-pipe-test-" + std::to_string(world.process.pid()))) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::filesystem::path path_;
};

Result<int> test_pipeline(const Pipe& options, World& world) {
  const Scratch scratch(world);
  PipeStages stages(world, {});
  const auto tested =
      TRY(pipeline::run_samples(options.file, stages.makers_of(), stages.world(), scratch.path()));
  int failed = 0;
  for (const pipeline::Tested& test : tested) {
    const bool passed = test.difference.empty();
    world.console.out((passed ? "ok      " : "FAILED  ") + harmless(test.name) + "\n");
    if (passed) continue;
    world.console.out("  " + harmless(test.difference) + "\n");
    ++failed;
  }
  if (tested.empty()) world.console.out(options.file.string() + " has no [[test]]\n");
  return failed == 0 ? kSuccess : kFailure;
}

Result<int> begin_pipeline(const Pipe& options, World& world) {
  if (world.files.exists(options.file)) {
    return fail(ErrorKind::already_exists, options.file.string() + " is there already");
  }
  TRY(world.files.write(options.file, as_bytes(kPipeExample)));
  world.console.out("wrote " + options.file.string() + "\n  try: quern pipe " +
                    options.file.string() + "\n");
  return kSuccess;
}

}  // namespace

Result<int> pipe(const Pipe& options, World& world) {
  switch (options.action) {
    case Pipe::Action::run: return run_pipeline(options, world);
    case Pipe::Action::check: return check_pipeline(options, world);
    case Pipe::Action::test: return test_pipeline(options, world);
    case Pipe::Action::init: return begin_pipeline(options, world);
    default: return ask_pipeline(options, world);
  }
}

}  // namespace quern::cli
