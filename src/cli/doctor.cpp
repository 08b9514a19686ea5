#include "base/text.hpp"
#include "cli/browser.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "cli/weights.hpp"
#include "http/http.hpp"
#include "inference/inference.hpp"
#include "wasm/wasm.hpp"

#include "store/store.hpp"
#include "tensor/tensor.hpp"
#include <nlohmann/json.hpp>

namespace quern::cli {
namespace {

enum class State : std::uint8_t { good, note, bad };  // bad: Quern would not work

struct Finding {
  std::string name;
  State state = State::good;
  std::string text;
  std::string advice;
};

// Below this the smallest models do not fit.
constexpr Bytes kLittleMemory = 1_GiB;
constexpr Bytes kLittleDisk = 1_GiB;

Failure as_failure(const Error& error) { return fail(error); }

Finding from(std::string name, const Result<std::string>& result, std::string advice = {}) {
  if (result) return {.name = std::move(name), .state = State::good, .text = *result, .advice = {}};
  return {.name = std::move(name),
          .state = State::bad,
          .text = result.error().describe(),
          .advice = std::move(advice)};
}

// What matters for the speed of models, out of /proc/cpuinfo.
Finding processor(World& world) {
  std::string name = "unknown processor";
  std::string features;
  const Result<Buffer> info = world.files.read("/proc/cpuinfo", 16_MiB);
  if (info) {
    for (const std::string_view line : split(as_text(*info), '\n')) {
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      const std::string_view key = trim(line.substr(0, colon));
      if (key == "model name") name = trim(line.substr(colon + 1));
      if (key != "flags" && key != "Features") continue;
      features.clear();
      for (const std::string_view flag : split(trim(line.substr(colon + 1)), ' ')) {
        if (flag == "avx" || flag == "avx2" || flag == "fma" || flag == "f16c" ||
            flag == "avx512f" || flag == "avx512_vnni" || flag == "avx_vnni" ||
            flag == "amx_int8" || flag == "asimd" || flag == "asimddp" || flag == "i8mm" ||
            flag == "sve") {
          features.append(" ").append(flag);
        }
      }
    }
  }
  return {.name = "processor",
          .state = State::good,
          .text = name + ", " + std::to_string(world.process.processors()) + " to use," +
                  (features.empty() ? " no vector extensions known here" : features),
          .advice = {}};
}

Finding memory(World& world) {
  const Bytes size = world.process.memory();
  Finding finding{.name = "memory", .state = State::good, .text = to_string(size), .advice = {}};
  if (size < kLittleMemory) {
    finding.state = State::note;
    finding.advice = "only the smallest models will fit";
  }
  return finding;
}

Finding model_engine() {
  return from("models run on", [&]() -> Result<std::string> {
    const auto engine = TRY(inference::Engine::create_local({}));
    return engine->device();
  }());
}

// Libraries that only some programs need: without them nothing is wrong.
Finding optional_library(std::string_view name, const Result<std::string>& here) {
  return {.name = std::string(name),
          .state = here.ok() ? State::good : State::note,
          .text = here.ok() ? *here : here.error().describe(),
          .advice = {}};
}

std::vector<Finding> optional_libraries(World& world) {
  std::vector<Finding> findings;
  for (const auto& library : tensor::known_libraries({}, world.process, world.files)) {
    const auto engine = library.open();
    findings.push_back(
        optional_library(library.name, engine ? Result<std::string>((*engine)->describe())
                                              : as_failure(engine.error())));
  }
  findings.push_back(optional_library("SQLite", store::sqlite_version()));
  return findings;
}

Finding sandbox(const Home& home, World& world) {
  return from("guests run on", [&]() -> Result<std::string> {
    TRY(world.files.make_directories(home.code.parent_path()));
    const auto engine = TRY(wasm::Engine::create({.cache_dir = home.code}));
    return engine->describe();
  }());
}

Finding data(const Home& home, World& world) {
  Finding finding = from(
      "data",
      [&]() -> Result<std::string> {
        TRY(world.files.make_directories(home.data));
        const std::filesystem::path probe = home.data / ".doctor";
        TRY(world.files.write(probe, as_bytes("can be written")));
        TRY(world.files.remove(probe));
        const Bytes space = TRY(world.files.free_space(home.data));
        if (space < kLittleDisk) {
          return as_failure({ErrorKind::resource_exhausted,
                             home.data.string() + " has only " + to_string(space) + " left"});
        }
        return home.data.string() + ", " + to_string(space) + " free";
      }(),
      "QUERN_HOME=/another/folder quern");
  return finding;
}

Finding models(const Home& home, World& world) {
  Weights weights(home, world);
  std::string text;
  for (const catalog::LocalModel& model : weights.catalog().local()) {
    text += (text.empty() ? "" : ", ") + model.name;
  }
  for (const catalog::LocalModel& model : weights.catalog().in_folders()) {
    text += (text.empty() ? "" : ", ") + model.name + " (QUERN_MODELS)";
  }
  if (!text.empty()) return {.name = "models", .state = State::good, .text = text, .advice = {}};
  return {.name = "models",
          .state = State::note,
          .text = "none here yet; `quern` will download one",
          .advice = "quern model ls"};
}

// Answers nobody: only asks the system for the port.
class Nobody final : public http::Handler {
 public:
  void handle(std::shared_ptr<http::Exchange> exchange) override { exchange->abort(); }
};

Finding port() {
  Nobody nobody;
  const auto server = http::Server::listen({.port = kDefaultPort, .threads = 1}, nobody);
  Finding finding{.name = "port",
                  .state = State::good,
                  .text = std::to_string(kDefaultPort) + " is free",
                  .advice = {}};
  if (server) return finding;
  finding.text = server.error().describe();
  finding.state = State::note;
  finding.advice = "`quern` takes the next one that is free";
  if (server.error().kind() != ErrorKind::already_exists) finding.state = State::bad;
  return finding;
}

Finding page(World& world) {
  const auto browser = find_browser(world.process, world.files);
  return {.name = "browser",
          .state = State::good,
          .text = browser ? browser->string() : "no display here: `quern` prints the address",
          .advice = {}};
}

std::vector<Finding> examine(World& world) {
  std::vector<Finding> findings;
  findings.push_back({.name = "quern", .state = State::good, .text = QUERN_VERSION, .advice = {}});
  findings.push_back(processor(world));
  findings.push_back(memory(world));
  findings.push_back(model_engine());
  for (Finding& finding : optional_libraries(world)) findings.push_back(std::move(finding));
  const Result<Home> home = find_home(world.process);
  if (home) {
    findings.push_back(sandbox(*home, world));
    findings.push_back(data(*home, world));
    findings.push_back(models(*home, world));
  } else {
    findings.push_back({.name = "data",
                        .state = State::bad,
                        .text = "HOME is not set",
                        .advice = "QUERN_HOME=/some/folder quern"});
  }
  findings.push_back(port());
  findings.push_back(page(world));
  return findings;
}

std::string_view word(State state) {
  switch (state) {
    case State::good: return "ok";
    case State::note: return "note";
    case State::bad: return "bad";
  }
  return "";
}

std::string as_text(const std::vector<Finding>& findings) {
  constexpr std::size_t kName = 15;
  std::string text;
  for (const Finding& finding : findings) {
    std::string line = "  " + std::string(word(finding.state));
    line.resize(8, ' ');
    line += finding.name;
    line.resize(8 + kName, ' ');
    text += line + finding.text + "\n";
    if (!finding.advice.empty())
      text += std::string(8 + kName, ' ') + "try: " + finding.advice + "\n";
  }
  return text;
}

std::string as_json(const std::vector<Finding>& findings, bool works) {
  nlohmann::json object{{"works", works}, {"findings", nlohmann::json::array()}};
  for (const Finding& finding : findings) {
    object["findings"].push_back({{"name", finding.name},
                                  {"state", word(finding.state)},
                                  {"text", finding.text},
                                  {"advice", finding.advice}});
  }
  return object.dump(2) + "\n";
}

}  // namespace

Result<int> doctor(const Doctor& options, World& world) {
  const std::vector<Finding> findings = examine(world);
  bool works = true;
  for (const Finding& finding : findings) works = works && finding.state != State::bad;
  world.console.out(options.form == Form::json ? as_json(findings, works) : as_text(findings));
  return works ? kSuccess : kFailure;
}

}  // namespace quern::cli
