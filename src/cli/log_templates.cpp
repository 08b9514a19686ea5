// `quern pipe templates`: what the lines of a log have in common.
#include "base/unique_fd.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"

#include "mining/mining.hpp"
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace quern::cli {
namespace {

using mining::Miner;
using mining::Template;

constexpr Bytes kLargestState = 256_MiB;

using Told = std::function<void(mining::TemplateId, std::string_view)>;

Result<Miner> begin(const std::filesystem::path& state, World& world) {
  if (state.empty()) return Miner();
  const Result<Buffer> saved = world.files.read(state, kLargestState);
  if (!saved && saved.error().kind() == ErrorKind::not_found) return Miner();
  if (!saved) return fail(saved.error());
  if (saved->empty()) return Miner();
  return Miner::load(as_text(*saved)).context("reading what was learned from " + state.string());
}

Result<> keep(const Miner& miner, const std::filesystem::path& state, World& world) {
  if (state.empty()) return {};
  return world.files.write(state, to_buffer(miner.save()));
}

// Lines of a file, a pipe or a terminal, until they end or somebody stops it.
class Lines {
 public:
  Lines(UniqueFd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}

  // The next line, without its end; nothing after the last.
  Result<std::optional<std::string_view>> next(const std::atomic<bool>& stop) {
    while (true) {
      const std::size_t end = held_.find('\n', begin_);
      if (end != std::string::npos) return take(end, end + 1);
      if (ended_ || held_.size() - begin_ >= kLongestLine) {
        if (begin_ == held_.size()) return std::optional<std::string_view>();
        return take(held_.size(), held_.size());
      }
      TRY(read_more(stop));
    }
  }

 private:
  static constexpr std::size_t kAtOnce = std::size_t{256} << 10U;
  static constexpr std::size_t kLongestLine = std::size_t{1}
                                              << 20U;  // a longer one is cut into several

  std::optional<std::string_view> take(std::size_t end, std::size_t next) {
    const std::string_view line = std::string_view(held_).substr(begin_, end - begin_);
    begin_ = next;
    return line;
  }

  Result<> read_more(const std::atomic<bool>& stop) {
    held_.erase(0, begin_);
    begin_ = 0;
    pollfd waits{.fd = file_.get(), .events = POLLIN, .revents = 0};
    while (!stop && poll(&waits, 1, 100) == 0) {
    }
    const std::size_t had = held_.size();
    held_.resize(had + kAtOnce);
    const ssize_t got = stop ? 0 : read(file_.get(), held_.data() + had, kAtOnce);
    held_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno != EINTR) {
      return fail(ErrorKind::unavailable,
                  name_ + " cannot be read: " + std::generic_category().message(errno));
    }
    ended_ = got == 0;
    return {};
  }

  UniqueFd file_;
  std::string name_;
  std::string held_;
  std::size_t begin_ = 0;
  bool ended_ = false;
};

Result<> learn(Lines lines, Miner& miner, const std::atomic<bool>& stop, const Told& told) {
  while (const std::optional<std::string_view> line = TRY(lines.next(stop))) {
    const mining::Seen seen = miner.learn(*line);
    if (told) told(seen.id, *line);
  }
  return {};
}

// All before the first is read: a name that is wrong is told at once.
Result<std::vector<Lines>> open_all(const std::vector<std::filesystem::path>& paths) {
  std::vector<Lines> lines;
  if (paths.empty()) lines.emplace_back(UniqueFd(dup(STDIN_FILENO)), "standard input");
  for (const std::filesystem::path& path : paths) {
    UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
      return fail(ErrorKind::not_found,
                  path.string() + " cannot be opened: " + std::generic_category().message(errno));
    }
    lines.emplace_back(std::move(file), path.string());
  }
  return lines;
}

Result<> learn_all(std::vector<Lines> lines, Form form, Miner& miner, World& world) {
  std::atomic<bool> stop = false;
  // What was learned until then is kept and told.
  const OnSignal asked = world.signals.on_signal([&stop](int) { stop = true; });
  Told told;
  if (form == Form::names) {
    told = [&world](mining::TemplateId id, std::string_view line) {
      const bool seen = world.console.out_is_terminal();
      world.console.out(std::to_string(id) + "\t" + (seen ? harmless(line) : std::string(line)) +
                        "\n");
    };
  }
  for (Lines& each : lines) TRY(learn(std::move(each), miner, stop, told));
  return {};
}

nlohmann::json as_json(const std::vector<Template>& templates) {
  nlohmann::json all = nlohmann::json::array();
  for (const Template& one : templates) {
    all.push_back({{"id", one.id}, {"count", one.count}, {"text", one.text}});
  }
  return {{"templates", all}};
}

std::string to_the_right(const std::string& number, std::size_t width) {
  return std::string(width - std::min(width, number.size()), ' ') + number;
}

}  // namespace

Result<int> log_templates(const LogTemplates& options, World& world) {
  std::vector<Lines> lines = TRY(open_all(options.files));
  std::unique_ptr<FileLock> lock;  // two runs would give one id twice
  if (!options.state.empty()) {
    lock = TRY(world.files.try_lock(options.state.string() + ".lock")
                   .context("another run has the state " + options.state.string()));
  }
  Miner miner = TRY(begin(options.state, world));
  TRY(learn_all(std::move(lines), options.form, miner, world));
  TRY(keep(miner, options.state, world));
  std::vector<Template> templates = miner.templates();
  std::stable_sort(templates.begin(), templates.end(),
                   [](const Template& a, const Template& b) { return a.count > b.count; });
  if (options.form == Form::json) {
    constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
    world.console.out(as_json(templates).dump(2, ' ', false, kReplace) + "\n");
  } else if (options.form == Form::text) {
    world.console.out("   COUNT     ID  TEMPLATE\n");
    for (const Template& one : templates) {
      world.console.out(to_the_right(std::to_string(one.count), 8) +
                        to_the_right(std::to_string(one.id), 7) + "  " + harmless(one.text) + "\n");
    }
  }
  return kSuccess;
}

}  // namespace quern::cli
