// From CLI11's values to a Command: what the grammar of options cannot check is checked here.
#include "base/text.hpp"
#include "cli/amounts.hpp"
#include "cli/app.hpp"
#include "cli/exit_codes.hpp"
#include "cli/nn_preload.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace quern::cli {
namespace {

const CLI::App& deepest(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : deepest(*chosen.front());
}

std::string path_of(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : path_of(*parent) + " " + app.get_name();
}

Failure usage_error(const CLI::App& app, const std::string& what) {
  return fail(with_advice(Error(ErrorKind::invalid_argument, what), path_of(app) + " --help"));
}

// The name nearest to what was written, or "".
std::string nearest(std::string_view written, const std::vector<std::string>& names) {
  std::string best;
  std::size_t distance = std::max<std::size_t>(2, written.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::size_t d = edit_distance(written, name);
    if (d < distance) {
      distance = d;
      best = name;
    }
  }
  return best;
}

Failure unexpected(const CLI::App& app, const std::string& written) {
  std::vector<std::string> names;
  const bool is_option = written.starts_with("-");
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (is_option && !option->get_group().empty()) names.push_back("--" + name);
    }
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!is_option) names.push_back(sub->get_name());
  }
  const std::string word = written.substr(0, written.find('='));
  std::string what =
      std::string(is_option ? "unknown option " : "unknown command ") + "\"" + word + "\"";
  const std::string meant = nearest(word, names);
  if (meant.empty()) return usage_error(app, what);
  const std::string advice = path_of(app) + " " + meant;
  return fail(with_advice(
      Error(ErrorKind::invalid_argument, what + "; did you mean \"" + meant + "\"?"), advice));
}

std::string command_names(const CLI::App& app) {
  std::string names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names += (names.empty() ? "" : ", ") + sub->get_name();
  }
  return names;
}

// CLI11 says "--port: Value 70000 not in range 0 to 65535" and the like; ours begin in lower case.
std::string plain(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return std::string(trim(text));
}

// What was left out, as the help page calls it.
std::string missing(const CLI::App& app, const CLI::RequiredError& problem) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    return (option->get_positional() ? option->get_type_name() : option->get_name()) +
           " is required";
  }
  return plain(problem.what());
}

// An amount that was given as text; absent when it was not given.
template <class Amount>
Result<std::optional<Amount>> amount(const CLI::App& app, const char* option,
                                     const std::string& text,
                                     Result<Amount> (*parse_amount)(std::string_view)) {
  if (text.empty()) return std::optional<Amount>();
  const Result<Amount> parsed = parse_amount(text);
  if (!parsed) return usage_error(app, std::string(option) + ": " + parsed.error().describe());
  return std::optional<Amount>(*parsed);
}

Result<> read_grants(const CLI::App& app, const Values& values, GrantOptions& grants) {
  grants.memory = TRY(amount(app, "--memory", values.memory, parse_bytes));
  grants.timeout = TRY(amount(app, "--timeout", values.timeout, parse_duration));
  grants.cpu = TRY(amount(app, "--cpu", values.cpu, parse_duration));
  grants.graphs = TRY(amount(app, "--graphs", values.graphs, parse_bytes));
  return {};
}

// "FILE" or "FILE=SCALE"; what stands behind the last "=" is a scale where it is a number.
Result<std::vector<AdapterChoice>> read_adapters(const CLI::App& app, const Values& values) {
  std::vector<AdapterChoice> adapters;
  for (const std::string& text : values.adapters) {
    const std::size_t equals = text.rfind('=');
    const auto scale = equals == std::string::npos
                           ? Result<float>(1.F)
                           : parse_number<float>(std::string_view(text).substr(equals + 1));
    AdapterChoice choice{.reference = scale ? text.substr(0, equals) : text,
                         .scale = scale ? *scale : 1};
    if (choice.reference.empty() || !std::isfinite(choice.scale) || choice.scale == 0) {
      return usage_error(app, "--lora \"" + text + "\" is not FILE or FILE=SCALE");
    }
    adapters.push_back(std::move(choice));
  }
  return adapters;
}

Result<> read_model(const CLI::App& app, const Values& values, ModelOptions& model) {
  model.adapters = TRY(read_adapters(app, values));
  if (!model.adapters.empty() && (model.models.size() != 1 || !model.fake_model.empty())) {
    return usage_error(app, "--lora adds to the weights of one --model");
  }
  model.cache_memory = TRY(amount(app, "--cache-memory", values.cache_memory, parse_bytes));
  for (const std::string& text : values.nn_preloads) {
    Result<Preload> preload = parse_preload(text);
    if (!preload) return usage_error(app, "--nn-preload " + preload.error().describe());
    add_preload(model, *std::move(preload));
  }
  return {};
}

Result<> read_record(const CLI::App& app, const Values& values, RecordOptions& record) {
  record.limit = TRY(amount(app, "--record-limit", values.record_limit, parse_bytes));
  if (record.limit && record.place.empty()) {
    return usage_error(app, "--record-limit needs --record");
  }
  return {};
}

Result<> check_server(const CLI::App& app, const Values& values, ServerOptions& server) {
  if (app.count("--port") > 0) server.port = values.port;
  if (values.no_open) server.open = OpenPage::never;
  if (server.tls_certificate.empty() != server.tls_key.empty()) {
    return usage_error(app, "--tls-cert and --tls-key need each other");
  }
  return {};
}

// `run` takes FILE and all that follows it as they are.
Result<Run> take_run(const CLI::App& app, Run run) {
  std::vector<std::string> rest = app.remaining();
  if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
  if (rest.empty()) return usage_error(app, "which program? FILE.wasm is missing");
  if (rest.front().starts_with("-")) return unexpected(app, rest.front());
  run.file = rest.front();
  run.arguments.assign(rest.begin() + 1, rest.end());
  return run;
}

Form form_of(const Values& values) {
  if (values.json) return Form::json;
  return values.names ? Form::names : Form::text;
}

Result<Page> help_topic(const CLI::App& root, const std::vector<std::string>& topics) {
  if (topics.size() == 1 && topics.front() == "exit-codes") return Page{exit_codes_page()};
  const CLI::App* at = &root;
  for (const std::string& topic : topics) {
    const auto found =
        at->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == topic; });
    if (found.empty()) return unexpected(*at, topic);
    at = found.front();
  }
  return Page{help_page(*at)};
}

// `quern pipe FILE`, or `quern pipe WORD FILE`.
Result<Pipe> take_pipe(const CLI::App& app, const Values& values) {
  Pipe pipe = values.pipe;
  using Action = Pipe::Action;
  static const std::map<std::string, Action, std::less<>> kActions{{"pipe", Action::run},
                                                                   {"run", Action::run},
                                                                   {"check", Action::check},
                                                                   {"test", Action::test},
                                                                   {"init", Action::init},
                                                                   {"tap", Action::tap},
                                                                   {"top", Action::top},
                                                                   {"replay", Action::replay},
                                                                   {"reload", Action::reload},
                                                                   {"search", Action::search},
                                                                   {"approvals", Action::approvals},
                                                                   {"approve", Action::approve},
                                                                   {"deny", Action::deny},
                                                                   {"ui", Action::ui}};
  if (pipe.file.empty()) return usage_error(app, "which pipeline? FILE.toml is missing");
  pipe.action = kActions.at(app.get_name());
  pipe.since = TRY(amount(app, "--since", values.since, parse_duration));
  return pipe;
}

template <class What>
Result<Command> as_command(Result<What> what) {
  Command command;
  command.what = TRY(std::move(what));
  return command;
}

Result<Command> command_of(const CLI::App& root, Values& values) {
  const CLI::App& app = deepest(root);
  const std::string name = path_of(app);
  if (name == "quern" || name == "quern serve") {
    TRY(check_server(app, values, values.serve.server));
    TRY(read_model(app, values, values.serve.model));
    TRY(read_grants(app, values, values.serve.grants));
    TRY(read_record(app, values, values.serve.record));
    return as_command<Serve>(values.serve);
  }
  if (name == "quern chat") {
    TRY(read_model(app, values, values.chat.model));
    return as_command<Chat>(values.chat);
  }
  if (name == "quern run") {
    TRY(read_model(app, values, values.run.model));
    TRY(read_grants(app, values, values.run.grants));
    TRY(read_record(app, values, values.run.record));
    return as_command(take_run(app, values.run));
  }
  if (name == "quern replay") return as_command<Replay>(values.replay);
  if (name == "quern compile") return as_command<Compile>(values.compile);
  if (name == "quern new") return as_command<New>(values.project);
  if (name == "quern pack") {
    values.pack.adapters = TRY(read_adapters(app, values));
    return as_command<Pack>(values.pack);
  }
  if (name == "quern compose") return as_command<Compose>(values.compose);
  if (name == "quern pipe templates") {
    values.log_templates.form = values.lines ? Form::names : form_of(values);
    return as_command<LogTemplates>(values.log_templates);
  }
  if (name.starts_with("quern pipe")) return as_command(take_pipe(app, values));
  if (name == "quern inspect") {
    return as_command<Inspect>(
        Inspect{.what = values.inspected, .form = form_of(values), .registry = values.registry});
  }
  if (name == "quern push") {
    values.push.registry = values.registry;
    return as_command<Push>(values.push);
  }
  if (name == "quern pull") {
    values.pull.registry = values.registry;
    return as_command<PullArtifact>(values.pull);
  }
  if (name == "quern sign") {
    return as_command<Sign>(
        Sign{.reference = values.reference, .key = values.key, .registry = values.registry});
  }
  if (name == "quern verify") {
    return as_command<Verify>(
        Verify{.reference = values.reference, .key = values.key, .registry = values.registry});
  }
  if (name == "quern model pull") return as_command<ModelPull>(ModelPull{values.model_name});
  if (name == "quern model ls") return as_command<ModelList>(ModelList{form_of(values)});
  if (name == "quern model show") {
    return as_command<ModelShow>(ModelShow{values.model_name, form_of(values)});
  }
  if (name == "quern model rm") return as_command<ModelRemove>(ModelRemove{values.model_name});
  if (name == "quern doctor") return as_command<Doctor>(Doctor{form_of(values)});
  if (name == "quern version") return as_command<Page>(Page{"quern " QUERN_VERSION "\n"});
  if (name == "quern completion") {
    return as_command<Page>(Page{TRY(completion_script(values.shell))});
  }
  CHECK(name == "quern help", "a subcommand that parse() does not know");
  return as_command(help_topic(root, values.topics));
}

}  // namespace

Result<Command> parse(const std::vector<std::string>& args) {
  Values values;
  const std::unique_ptr<CLI::App> root = make_app(values);
  // CLI11 wants them backwards.
  std::vector<std::string> reversed(args.rbegin(), args.rend());
  // The library reports by exceptions; they end here.
  try {
    root->parse(reversed);
  } catch (const CLI::CallForHelp&) {
    return as_command<Page>(Page{help_page(deepest(*root))});
  } catch (const CLI::CallForVersion&) {
    return as_command<Page>(Page{"quern " QUERN_VERSION "\n"});
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> rest = root->remaining(true);
    return unexpected(deepest(*root), rest.empty() ? "" : rest.front());
  } catch (const CLI::RequiredError& problem) {
    const CLI::App& app = deepest(*root);
    const std::vector<std::string> rest = root->remaining(true);
    if (!rest.empty()) return unexpected(app, rest.front());
    const std::string commands = command_names(app);
    if (!commands.empty()) return usage_error(app, "which command? One of " + commands);
    return usage_error(app, missing(app, problem));
  } catch (const CLI::ParseError& problem) {
    return usage_error(deepest(*root), plain(problem.what()));
  }
  const Result<log::Level> level = log::parse_level(values.log_level);
  if (!level) return usage_error(*root, "--log-level: " + level.error().describe());
  Command command = TRY(command_of(*root, values));
  command.log_level = *level;
  return command;
}

}  // namespace quern::cli
