// `quern pipe top|tap|replay|reload|ui`: what is asked of a pipeline that runs.
#include "base/percent.hpp"
#include "base/text.hpp"
#include "cli/amounts.hpp"
#include "cli/browser.hpp"
#include "cli/commands.hpp"
#include "cli/exit_codes.hpp"
#include "http/http.hpp"

#include "pipeline/control.hpp"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <stop_token>

namespace quern::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// The door of the pipeline that runs with this file.
class Door {
 public:
  static Result<Door> of(const Pipe& options, World& world) {
    const Buffer text = TRY(world.files.read(options.file, 1_MiB));
    Settings settings = TRY(Settings::parse(as_text(text), options.file.string()));
    const pipeline::Plan plan = TRY(pipeline::read_plan(settings, options.file));
    Result<pipeline::ControlAddress> found = pipeline::find_control(world.files, plan.state);
    if (!found) return fail(with_advice(found.error(), "quern pipe " + options.file.string()));
    return Door(*std::move(found), "quern pipe " + options.file.string());
  }

  Result<json> call(const std::string& method, const std::string& path,
                    const std::stop_token& stop) const {
    Result<SendAnswer> sent = network_->send(
        {.method = method, .url = address_.url + path, .headers = headers(), .body = {}}, stop);
    // One that was killed left its address behind.
    if (!sent && sent.error().kind() == ErrorKind::unavailable)
      return fail(
          with_advice(std::move(sent).error().wrap("no pipeline runs with this file"), start_it_));
    const SendAnswer answer = TRY(std::move(sent));
    json value = json::parse(answer.body, nullptr, false);
    if (answer.status == 200 && !value.is_discarded()) return value;
    const bool told = value.is_object() && value.contains("error") && value["error"].is_string();
    return fail(answer.status == 404 ? ErrorKind::not_found : ErrorKind::unavailable,
                "the pipeline says: " + (told ? value["error"].get<std::string>()
                                              : "status " + std::to_string(answer.status)));
  }

  Result<> stream(const std::string& path, const std::stop_token& stop,
                  std::function<Result<>(ByteView)> chunk) const {
    return network_->fetch(
        {.url = address_.url + path, .headers = headers()}, stop,
        [](const FetchHead&) -> Result<> { return {}; }, std::move(chunk));
  }
  const pipeline::ControlAddress& address() const { return address_; }

 private:
  Door(pipeline::ControlAddress address, std::string start_it)
      : address_(std::move(address)), start_it_(std::move(start_it)) {}
  std::vector<std::pair<std::string, std::string>> headers() const {
    return {{"authorization", "Bearer " + address_.token}};
  }

  pipeline::ControlAddress address_;
  std::string start_it_;  // advice
  // A reader waits as long as nothing passes.
  std::unique_ptr<Network> network_ = http::make_client({.read_timeout = 24h});
};

// Until a signal.
class Looking {
 public:
  explicit Looking(World& world)
      : watching_(world.signals.on_signal([this](int) { stop_.request_stop(); })) {}
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  OnSignal watching_;
};

Result<int> tap(const Door& door, const Pipe& options, World& world) {
  const Looking looking(world);
  const Result<> over = door.stream("/api/tap?stage=" + percent_encoded(options.stages.front()),
                                    looking.stop(), [&](ByteView chunk) -> Result<> {
                                      world.console.out(harmless(as_text(chunk)));
                                      return {};
                                    });
  if (looking.stop().stop_requested()) return kSuccess;
  TRY(Result<>(over));
  return kSuccess;
}

std::string cell(const std::string& text, std::size_t width) {
  const std::string cut = text.size() > width ? text.substr(0, width) : text;
  return cut + std::string(width - cut.size() + 2, ' ');
}
std::string number_cell(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text + "  ";
}

// A line a stage; rates since the last time.
std::string table_of(const json& now, std::map<std::string, std::uint64_t>& before,
                     double seconds) {
  std::string text = cell("STAGE", 18) + cell("TYPE", 13) + number_cell("IN", 14) +
                     number_cell("IN/S", 10) + number_cell("OUT", 14) + number_cell("DROPPED", 10) +
                     number_cell("FAULTS", 8) + number_cell("DEAD", 8) + number_cell("BUFFER", 10) +
                     "\n";
  for (const json& stage : now.at("stages")) {
    const std::string name = stage.at("name");
    const auto in = stage.at("records_in").get<std::uint64_t>();
    const auto number = [&](const char* key) {
      return with_commas(stage.at(key).get<std::uint64_t>());
    };
    const auto found = before.find(name);
    const std::uint64_t last = found == before.end() ? in : found->second;
    before[name] = in;
    const auto rate =
        static_cast<std::uint64_t>(static_cast<double>(in - std::min(in, last)) / seconds);
    const bool output = stage.at("kind") == "output";
    text += cell(name, 18) + cell(stage.at("type"), 13) + number_cell(number("records_in"), 14) +
            number_cell(with_commas(rate), 10) + number_cell(number("records_out"), 14) +
            number_cell(number("dropped"), 10) + number_cell(number("faults"), 8) +
            number_cell(number("dead"), 8) +
            number_cell(
                output ? to_string(Bytes{stage.at("buffer_bytes").get<std::uint64_t>()}) : "", 10) +
            "\n";
    if (const std::string ailment = stage.at("ailment"); !ailment.empty())
      text += "  ! " + printable(ailment, 200) + "\n";
  }
  return text;
}

void tell_left_behind(const json& stages, const Pipe& options, World& world) {
  for (const json& left : stages.at("left_behind")) {
    const std::string stage = left.at("stage");
    const bool buffer = left.at("kind") == "buffer";
    world.console.out("  ! " + std::string(buffer ? "the buffer of " : "dead letters of ") +
                      printable(stage, 100) + ": " +
                      with_commas(left.at("records").get<std::uint64_t>()) + " records (" +
                      to_string(Bytes{left.at("bytes").get<std::uint64_t>()}) +
                      ") that nobody reads\n    try: quern pipe replay " + options.file.string() +
                      " " + printable(stage, 100) + " --to OUTPUT\n");
  }
}

Result<int> top(const Door& door, const Pipe& options, World& world) {
  const Looking looking(world);
  std::map<std::string, std::uint64_t> before;
  const bool live = world.console.out_is_terminal();
  while (true) {
    const json now = TRY(door.call("GET", "/api/stages", looking.stop()));
    world.console.out((live ? "\x1b[H\x1b[2J" : "") + table_of(now, before, 1));
    tell_left_behind(now, options, world);
    if (!live) return kSuccess;
    if (!world.clock.sleep(1s, looking.stop())) return kSuccess;
  }
}

Result<int> replay(const Door& door, const Pipe& options, World& world) {
  std::vector<std::string> stages = options.stages;
  if (stages.empty()) {
    const json now = TRY(door.call("GET", "/api/stages", {}));
    for (const json& stage : now.at("stages")) stages.push_back(stage.at("name"));
    tell_left_behind(now, options, world);
  }
  const std::string to = options.to.empty() ? "" : "&to=" + percent_encoded(options.to);
  std::uint64_t all = 0;
  for (const std::string& stage : stages) {
    const json done =
        TRY(door.call("POST", "/api/replay?stage=" + percent_encoded(stage) + to, {}));
    const auto records = done.at("records").get<std::uint64_t>();
    all += records;
    if (records > 0)
      world.console.out(stage + ": " + with_commas(records) + " records sent again\n");
  }
  if (all == 0) world.console.out(to.empty() ? "there are no dead letters\n" : "nothing is left\n");
  return kSuccess;
}

Result<int> reload(const Door& door, World& world) {
  const json done = TRY(door.call("POST", "/api/reload", {}));
  for (const char* what : {"added", "changed", "removed"}) {
    for (const json& name : done.at(what))
      world.console.out(std::string(what) + " " + name.get<std::string>() + "\n");
  }
  return kSuccess;
}

// Stages that keep lines and ask for approvals.
Result<std::vector<std::string>> insights(const Door& door) {
  const json now = TRY(door.call("GET", "/api/stages", {}));
  std::vector<std::string> names;
  for (const json& stage : now.at("stages")) {
    if (stage.at("type") == "insight") names.push_back(stage.at("name"));
  }
  if (names.empty())
    return fail(ErrorKind::not_found, "this pipeline has no filter with type = \"insight\"");
  return names;
}

std::string line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<int> search(const Door& door, const Pipe& options, World& world) {
  std::string query = "?text=" + percent_encoded(options.text) +
                      "&template=" + percent_encoded(options.pattern) +
                      "&limit=" + std::to_string(options.limit);
  if (options.since) {
    const auto from = world.clock.date() - *options.since;
    query += "&from=" +
             std::to_string(
                 std::chrono::duration_cast<std::chrono::seconds>(from.time_since_epoch()).count());
  }
  for (const std::string& stage : TRY(insights(door))) {
    const json found =
        TRY(door.call("GET", "/api/stages/" + percent_encoded(stage) + "/search" + query, {}));
    for (const json& one : found.at("records")) world.console.out(harmless(line(one)));
  }
  return kSuccess;
}

Result<int> approvals(const Door& door, World& world) {
  std::size_t all = 0;
  for (const std::string& stage : TRY(insights(door))) {
    const json waiting =
        TRY(door.call("GET", "/api/stages/" + percent_encoded(stage) + "/approvals", {}));
    for (const json& one : waiting.at("approvals")) {
      world.console.out(number_cell(std::to_string(one.at("number").get<std::uint64_t>()), 6) +
                        printable(one.at("action").get<std::string>() + "  " +
                                      one.at("text").get<std::string>() + ": " +
                                      one.at("verdict").at("reason").get<std::string>(),
                                  400) +
                        "\n");
      ++all;
    }
  }
  if (all == 0) world.console.out("nothing waits\n");
  return kSuccess;
}

// The numbers of two stages may be the same; the first that knows it decides.
Result<int> decide(const Door& door, const Pipe& options, World& world) {
  const std::string word = options.action == Pipe::Action::approve ? "approve" : "deny";
  const std::string query = "?who=cli&number=" + std::to_string(options.number);
  Result<json> last = json();
  for (const std::string& stage : TRY(insights(door))) {
    last = door.call("POST", "/api/stages/" + percent_encoded(stage) + "/" + word + query, {});
    if (last.ok()) break;
  }
  TRY(Result<json>(last));
  world.console.out(word == "approve" ? "approved\n" : "denied\n");
  return kSuccess;
}

Result<int> show_page(const Door& door, World& world) {
  const std::string url = door.address().url + "/#" + door.address().token;
  world.console.out(url + "\n");
  const auto browser = find_browser(world.process, world.files);
  if (world.console.out_is_terminal() && browser) TRY(open_page(*browser, url));
  return kSuccess;
}

}  // namespace

Result<int> ask_pipeline(const Pipe& options, World& world) {
  const Door door = TRY(Door::of(options, world));
  switch (options.action) {
    case Pipe::Action::tap: return tap(door, options, world);
    case Pipe::Action::top: return top(door, options, world);
    case Pipe::Action::replay: return replay(door, options, world);
    case Pipe::Action::reload: return reload(door, world);
    case Pipe::Action::search: return search(door, options, world);
    case Pipe::Action::approvals: return approvals(door, world);
    case Pipe::Action::approve:
    case Pipe::Action::deny: return decide(door, options, world);
    default: return show_page(door, world);
  }
}

}  // namespace quern::cli
