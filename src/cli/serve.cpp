#include "base/log.hpp"
#include "base/stop.hpp"
#include "cli/amounts.hpp"
#include "cli/browser.hpp"
#include "cli/exit_codes.hpp"
#include "cli/server.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace quern::cli {
namespace {

// How long streams may take to end after the first signal.
constexpr std::chrono::seconds kDrain{30};

// Signals in two steps: the first asks, the second does not wait.
class EndRequest {
 public:
  EndRequest(Signals& signals, Console& console)
      : console_(console), on_signal_(signals.on_signal([this](int signal) { came(signal); })) {}

  std::stop_token token() const { return source_.get_token(); }
  int signal() const { return signal_.load(); }
  void wait() {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    // The stop itself is what is waited for.
    (void)wait_until(changed, lock, Deadline::never(), token(), [] { return false; });
  }

 private:
  void came(int signal) {
    if (signal_.exchange(signal) == 0) {
      source_.request_stop();
      return;
    }
    console_.err("\n");
    std::_Exit(ended_by(signal));
  }

  Console& console_;
  std::stop_source source_;
  std::atomic<int> signal_{0};
  OnSignal on_signal_;  // last: it may call came() at once
};

std::string ready_text(const ServingNode& node, const Serve& options, milliseconds took) {
  std::string text = "\n  Quern is ready after " + to_text(took) + "\n\n";
  const std::string url = node.url();
  if (options.file.empty()) {
    text += "  Chat    " + url + "/\n";
    text += "  API     " + url + "/v1    (OpenAI-compatible)\n";
  } else {
    text += "  Serves  " + options.file.filename().string() + " at " + url + "/\n";
  }
  bool first = true;
  for (const auto& model : node.models().all()) {
    const inference::ModelInfo& info = model->info();
    text += (first ? "  Model   " : "          ") + info.name;
    if (info.context_tokens > 0) {
      text += ", " + with_commas(info.context_tokens) + " tokens of context";
    }
    if (first && !node.models().reason().empty()) text += ": " + node.models().reason();
    text += "\n";
    first = false;
  }
  return text + "\n  Ctrl-C ends it.\n\n";
}

void show_page(const Serve& options, const std::string& url, World& world) {
  if (!options.file.empty() || options.server.open == OpenPage::never) return;
  const auto browser = find_browser(world.process, world.files);
  if (!browser) return;
  const Result<> opened = open_page(*browser, url + "/");
  if (!opened) log::warn("cli", opened.error().describe());
}

}  // namespace

Result<int> serve(const Serve& options, World& world) {
  const Clock::Time start = world.clock.now();
  EndRequest end(world.signals, world.console);
  const Home home = TRY(find_home(world.process));
  const std::unique_ptr<ServingNode> node = TRY(ServingNode::create(options, home, world));
  const Result<> ready = node->make_ready(end.token());
  if (!ready) {
    if (end.signal() != 0) return ended_by(end.signal());
    return fail(ready.error());
  }
  const auto took = std::chrono::duration_cast<milliseconds>(world.clock.now() - start);
  world.console.out(ready_text(*node, options, took));
  show_page(options, node->url(), world);
  end.wait();
  if (const std::uint32_t left = node->in_progress(); left > 0) {
    world.console.err("\nquern: letting " + std::to_string(left) +
                      (left == 1 ? " answer" : " answers") + " end, for up to " +
                      std::to_string(kDrain.count()) +
                      " seconds; the same signal again ends at once\n");
  }
  node->drain(Deadline::in(kDrain));
  return kSuccess;
}

}  // namespace quern::cli
