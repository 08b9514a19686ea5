#include "cli/app.hpp"

#include "cli/app_options.hpp"

#include <charconv>
#include <limits>
#include <sstream>

namespace quern::cli {
namespace {

// The groups of options, as they head the paragraphs of a help page.
constexpr const char* kModels = "Models";
constexpr const char* kServer = "Server";
constexpr const char* kGrants = "What the program may do (nothing, unless you say so)";
constexpr const char* kLimits = "Limits";
constexpr const char* kRecording = "Recording";
constexpr const char* kAnswer = "The answer";
constexpr const char* kProject = "The project";
// A number between two bounds. Asked before the value is read, so that the message is ours and
// tells the bounds.
template <class Number>
CLI::Validator within(Number least, Number most) {
  return {[least, most](const std::string& text) -> std::string {
            Number value{};
            const char* const end = text.data() + text.size();
            const auto read = std::from_chars(text.data(), end, value);
            if (read.ec == std::errc() && read.ptr == end && value >= least && value <= most) {
              return {};
            }
            std::ostringstream bounds;
            bounds << least << " to " << most;
            return "\"" + text + "\" is not a " + (std::is_integral_v<Number> ? "whole " : "") +
                   "number from " + bounds.str();
          },
          ""};
}

// `Value` is a Number or an optional one.
template <class Number, class Value>
CLI::Option* add_number(CLI::App& app, const char* group, const char* name, const char* type,
                        Value& value, const char* description) {
  return add(app, group, name, type, value, description)
      ->check(within<Number>(0, std::numeric_limits<Number>::max()));
}

// An option that may come several times, one value each, so that it cannot swallow what follows.
CLI::Option* add_many(CLI::App& app, const char* group, const char* name, const char* type,
                      std::vector<std::string>& values, const char* description) {
  return add(app, group, name, type, values, description)->allow_extra_args(false)->take_all();
}

void add_lora(CLI::App& app, const char* group, Values& values) {
  add_many(app, group, "--lora", "FILE[=SCALE]", values.adapters,
           "Add a LoRA adapter to the model's weights");
}

void add_model_options(CLI::App& app, Values& values, ModelOptions& model, const char* model_text) {
  add_many(app, kModels, "-m,--model", "NAME", model.models, model_text);
  add_lora(app, kModels, values);
  add_number<std::uint32_t>(app, kModels, "--ctx-size", "TOKENS", model.context_tokens,
                            "Context of one conversation (default: the model's own, at most 8192)");
  add_number<std::uint32_t>(app, kModels, "--threads", "N", model.threads,
                            "Processors for the model (default: all cores)");
  add_number<std::uint32_t>(app, kModels, "--max-running", "N", model.max_running,
                            "Answers computed together (default 16)");
  add_number<std::uint32_t>(app, kModels, "--cache-tokens", "N", model.cache_tokens,
                            "Prompt beginnings kept for reuse; 0 switches it off");
  add(app, kModels, "--cache-memory", "SIZE", values.cache_memory,
      "Memory for those that lie outside the context (default 1GiB)");
  add(app, "", "--fake-model", "SCRIPT", model.fake_model, "Answer from a script (for tests)");
}

void add_server_options(CLI::App& app, Values& values) {
  ServerOptions& server = values.serve.server;
  add(app, kServer, "-p,--port", "PORT", values.port,
      "Port (default 8080, or the next one that is free)")
      ->check(within<std::uint16_t>(0, 65535));
  add(app, kServer, "--host", "ADDRESS", server.host,
      "Address to listen on (default 127.0.0.1: this machine only)");
  add_many(app, kServer, "--allow-host", "NAME", server.allowed_hosts,
           "Another name it is asked for by, as behind a proxy; * stands for any");
  add(app, kServer, "--api-key-file", "FILE", server.api_key_file,
      "Ask clients for one of the keys in FILE, one a line");
  add(app, kServer, "--tls-cert", "FILE", server.tls_certificate,
      "Speak HTTPS with this certificate");
  add(app, kServer, "--tls-key", "FILE", server.tls_key, "The certificate's private key");
  add_number<std::uint32_t>(
      app, kServer, "--max-requests", "N", server.max_requests,
      "Requests in progress at once; more are told to come back (default 1000)");
}

struct LimitTexts {
  const char* memory;
  const char* timeout;
  const char* cpu;
};
constexpr LimitTexts kRunLimits{.memory = "Memory (default 1GiB)",
                                .timeout = "Time from start to end, as in 30s, 5m (default: none)",
                                .cpu = "Time on a processor (default: none)"};
constexpr LimitTexts kServeLimits{.memory = "Memory of one request (default 256MiB)",
                                  .timeout = "Time of one request (default 10m)",
                                  .cpu = "Processor time of one request (default 60s)"};

void add_grants(CLI::App& app, Values& values, GrantOptions& grants, const LimitTexts& texts) {
  add_many(app, kGrants, "--dir", "HOST[::GUEST][:ro]", grants.directories,
           "A folder, and the path under which the program sees it");
  add_many(app, kGrants, "--env", "NAME[=VALUE]", grants.environment,
           "A variable; without a value, this shell's own");
  add_many(app, kGrants, "--net", "HOST:PORT", grants.net,
           "An address it may connect to; * stands for any");
  add_many(app, kGrants, "--listen", "ADDRESS:PORT", grants.listen, "An address it may listen on");
  add_many(app, kGrants, "--store", "LABEL=PLACE", grants.stores,
           "A key-value store: a name in Quern's home, or ./FILE");
  add_many(app, kGrants, "--config", "NAME=VALUE", grants.config, "A value of its configuration");
  add(app, kGrants, "--graphs", "SIZE", values.graphs,
      "Graphs that it brings itself (WASI-NN), together (default: none)");
  add(app, kGrants, "--manifest", "FILE", grants.manifest, "Read all of this from a manifest");
  add(app, kLimits, "--memory", "SIZE", values.memory, texts.memory);
  add(app, kLimits, "--timeout", "TIME", values.timeout, texts.timeout);
  add(app, kLimits, "--cpu", "TIME", values.cpu, texts.cpu);
  add_number<std::uint64_t>(app, kLimits, "--tokens", "N", grants.tokens,
                            "Model tokens it may use");
}

void add_preloads(CLI::App& app, Values& values) {
  add_many(app, kModels, "--nn-preload", "NAME:ENCODING:AUTO:FILE", values.nn_preloads,
           "A model or graph for a program of WASI-NN, by the name it asks for");
}

constexpr const char* kRecordRequests =
    "Write down all that each request hears from the world, secrets too, a file each";

void add_record(CLI::App& app, Values& values, RecordOptions& record, const char* place,
                const char* text) {
  add(app, kRecording, "--record", place, record.place, text);
  add(app, kRecording, "--record-limit", "SIZE", values.record_limit,
      "End recordings there; the program goes on (default 1GiB, all together)");
}

void add_chat(CLI::App& root, Values& values) {
  CLI::App& app = *root.add_subcommand("chat", "Talk to a model in the terminal");
  Chat& chat = values.chat;
  add_model_options(app, values, chat.model, "Model to talk to (default: a small instruct model)");
  add(app, kAnswer, "-s,--system", "TEXT", chat.system, "Tell the model who it is");
  add(app, kAnswer, "--temperature", "T", chat.temperature, "0 is always the same, 2 is wild")
      ->check(within(0.0, 2.0));
  add_number<std::uint32_t>(app, kAnswer, "--seed", "N", chat.seed, "Repeatable answers");
  add_number<std::uint32_t>(app, kAnswer, "--max-tokens", "N", chat.max_tokens, "Longest answer");
  app.add_option("prompt", chat.prompt, "Ask this and end")->type_name("PROMPT");
  app.footer(
      "quern chat\n"
      "quern chat \"Why is the sky blue?\"\n"
      "quern chat --model analyst.wasm\n"
      "git log -5 | quern chat --system \"Summarise in one sentence\"");
  add_common(app, values);
}

void add_run(CLI::App& root, Values& values) {
  CLI::App& app = *root.add_subcommand("run", "Run a WebAssembly program in a sandbox");
  add_grants(app, values, values.run.grants, kRunLimits);
  add_model_options(app, values, values.run.model,
                    "A model it may use (several times; the first is its default)");
  add_preloads(app, values);
  add(app, kOther, "--invoke", "FUNCTION", values.run.invoke,
      "Call this function with the arguments, and print what it returns; 'add(2, 3)' will do");
  add_record(app, values, values.run.record, "FILE",
             "Write down all it hears from the world, secrets too, for quern replay");
  // All that follows FILE belongs to the program, options too.
  app.prefix_command();
  app.footer(
      "quern run hello.wasm\n"
      "quern run --dir .::/data:ro --memory 64MiB count.wasm /data/words.txt\n"
      "quern run --net api.example.com:443 --env TOKEN fetch.wasm --verbose\n"
      "quern run --nn-preload default:GGML:AUTO:model.gguf llama.wasm default\n"
      "quern run --invoke add math.wasm 2 3\n"
      "quern run --invoke 'greet({name: \"Ann\"})' greeter.wasm");
  add_common(app, values);
}

void add_replay(CLI::App& root, Values& values) {
  CLI::App& app = *root.add_subcommand("replay", "Run a recorded program again, without the world");
  app.add_option("recording", values.replay.recording, "What `quern run --record FILE` wrote")
      ->type_name("FILE")
      ->required();
  add(app, kOther, "--program", "FILE.wasm", values.replay.program,
      "The program, when it is no longer where it was; or another to hold against it");
  app.add_flag("--check", values.replay.check,
               "Print nothing of the program; exit with 0 when all is the same, else 7")
      ->group(kOther);
  app.footer(
      "quern run --record run.rec --dir . tool.wasm\n"
      "quern replay run.rec\n"
      "quern replay --check --program mended.wasm run.rec");
  add_common(app, values);
}

void add_serve(CLI::App& root, Values& values) {
  CLI::App& app = *root.add_subcommand("serve", "Serve a wasi:http program");
  app.add_option("file", values.serve.file, "A component that exports wasi:http/incoming-handler")
      ->type_name("FILE.wasm")
      ->required();
  add_server_options(app, values);
  add_grants(app, values, values.serve.grants, kServeLimits);
  add_model_options(app, values, values.serve.model,
                    "A model it may use (several times; the first is its default)");
  add_preloads(app, values);
  add_record(app, values, values.serve.record, "DIR", kRecordRequests);
  app.footer(
      "quern serve hello.wasm\n"
      "quern serve --port 9000 --model gemma --net api.example.com:443 app.wasm");
  add_common(app, values);
}

void add_model(CLI::App& root, Values& values) {
  CLI::App& app = *root.add_subcommand("model", "Get, list and remove models");
  app.require_subcommand(1);
  const auto add_named = [&](const char* name, const char* text) -> CLI::App& {
    CLI::App& sub = *app.add_subcommand(name, text);
    sub.add_option("name", values.model_name,
                   "A name, hub:OWNER/REPO[/FILE], an https URL, or a file")
        ->type_name("NAME")
        ->required();
    add_common(sub, values);
    return sub;
  };
  add_named("pull", "Download a model, or continue where a download ended")
      .footer("quern model pull gemma");
  CLI::App& list = *app.add_subcommand("ls", "List the models here, and those that can be had");
  list.add_flag("--json", values.json, "As JSON")->group(kOther);
  list.add_flag("-q,--quiet", values.names, "Only the names of those that are here")->group(kOther);
  add_common(list, values);
  add_named("show", "Show one model: size, licence, digest, sources")
      .add_flag("--json", values.json, "As JSON")
      ->group(kOther);
  add_named("rm", "Remove a model from this disk");
  app.footer("quern model ls\nquern model pull gemma\nquern model rm gemma");
  add_common(app, values);
}

void add_registry(CLI::App& app, Values& values) {
  app.add_flag("--plain-http", values.registry.plain_http,
               "Speak to the registry without TLS (always so with this machine's own)")
      ->group(kOther);
}

void add_packages(CLI::App& root, Values& values) {
  CLI::App& pack = *root.add_subcommand("pack", "Make a model a component: weights, and who it is");
  pack.add_option("model", values.pack.model, "The weights: a model by name, or a file")
      ->type_name("MODEL")
      ->required();
  add(pack, kOther, "-o,--output", "FILE.wasm", values.pack.output, "Write the component here")
      ->required();
  add(pack, kOther, "-n,--name", "NAME", values.pack.name,
      "What it is called, as acme/analyst (default: the file's name)");
  add(pack, kOther, "-s,--system", "FILE", values.pack.system,
      "A text that the model is told before every conversation");
  add_lora(pack, kOther, values);
  pack.footer(
      "quern pack smollm2-135m-instruct --system analyst.txt --name acme/analyst -o analyst.wasm\n"
      "quern --model analyst.wasm");
  add_common(pack, values);

  CLI::App& compose =
      *root.add_subcommand("compose", "Make one component of a program and its model");
  compose.add_option("app", values.compose.app, "A component that uses a model")
      ->type_name("APP.wasm")
      ->required();
  add(compose, kOther, "--with", "MODEL.wasm", values.compose.model,
      "The model, made by quern pack")
      ->required();
  add(compose, kOther, "-o,--output", "FILE.wasm", values.compose.output, "Write it here")
      ->required();
  compose.footer("quern compose app.wasm --with analyst.wasm -o whole.wasm");
  add_common(compose, values);

  CLI::App& inspect = *root.add_subcommand(
      "inspect", "Show what a program offers and what it would have to be granted");
  inspect.add_option("what", values.inspected, "A module or component, or where one was pushed to")
      ->type_name("FILE.wasm|REF")
      ->required();
  inspect.add_flag("--json", values.json, "As JSON")->group(kOther);
  add_registry(inspect, values);
  inspect.footer("quern inspect app.wasm\nquern inspect --json ghcr.io/acme/analyst:1");
  add_common(inspect, values);
}

void add_reference(CLI::App& app, std::string& reference) {
  app.add_option("reference", reference, "REGISTRY/NAME[:TAG][@DIGEST], as ghcr.io/acme/analyst:1")
      ->type_name("REF")
      ->required();
}

void add_registries(CLI::App& root, Values& values) {
  CLI::App& push =
      *root.add_subcommand("push", "Send a program, or a model and its weights, to a registry");
  push.add_option("file", values.push.file, "A module or component")
      ->type_name("FILE.wasm")
      ->required();
  add_reference(push, values.push.reference);
  push.add_flag("--without-weights", values.push.without_weights,
                "Send a model's component alone, for programs that take only one layer")
      ->group(kOther);
  add_registry(push, values);
  push.footer("quern push analyst.wasm ghcr.io/acme/analyst:1");
  add_common(push, values);

  CLI::App& pull =
      *root.add_subcommand("pull", "Get a program, or a model and its weights, from a registry");
  add_reference(pull, values.pull.reference);
  add(pull, kOther, "-o,--output", "FILE.wasm", values.pull.output,
      "Write it here (default: the last part of its name)");
  add_registry(pull, values);
  pull.footer("quern pull ghcr.io/acme/analyst:1\nquern --model analyst.wasm");
  add_common(pull, values);

  const auto add_signing = [&](const char* name, const char* text, const char* key,
                               const char* example) {
    CLI::App& app = *root.add_subcommand(name, text);
    add_reference(app, values.reference);
    add(app, kOther, "--key", "FILE.pem", values.key, key)->required();
    add_registry(app, values);
    app.footer(example);
    add_common(app, values);
  };
  add_signing("sign", "Sign what a registry holds, as cosign does", "The private key (P-256, PEM)",
              "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem\n"
              "quern sign --key key.pem ghcr.io/acme/analyst:1");
  add_signing("verify", "Check who signed what a registry holds", "The public key (P-256, PEM)",
              "openssl pkey -in key.pem -pubout -out key.pub\n"
              "quern verify --key key.pub ghcr.io/acme/analyst:1");
}

void add_others(CLI::App& root, Values& values) {
  CLI::App& compile = *root.add_subcommand("compile", "Compile a program ahead of its first run");
  compile.add_option("file", values.compile.file, "A module or component")
      ->type_name("FILE.wasm")
      ->required();
  add(compile, kOther, "-o,--output", "FILE", values.compile.output,
      "Write the machine code here instead of into Quern's own cache");
  compile.footer("quern compile app.wasm");
  add_common(compile, values);

  CLI::App& project = *root.add_subcommand("new", "Begin a project of your own");
  project.add_option("name", values.project.name, "The project's name, and its folder's")
      ->type_name("NAME")
      ->required();
  add(project, kProject, "--lang", "LANGUAGE", values.project.language,
      "cpp, go, js, python or rust")
      ->required()
      ->check(CLI::IsMember({"cpp", "go", "js", "python", "rust"}).description(""));
  add(project, kProject, "--kind", "KIND", values.project.kind,
      "http, a service for `quern serve`, or command, a program for `quern run`")
      ->required()
      ->check(CLI::IsMember({"http", "command", "filter", "flow"}).description(""));
  project.footer(
      "quern new --lang python --kind http verdict\n"
      "quern new --lang rust --kind command ask");
  add_common(project, values);

  CLI::App& doctor = *root.add_subcommand("doctor", "Check that this machine has what Quern needs");
  doctor.add_flag("--json", values.json, "As JSON")->group(kOther);
  add_common(doctor, values);

  CLI::App& completion = *root.add_subcommand("completion", "Print shell completions");
  completion.add_option("shell", values.shell, "bash, zsh or fish")
      ->type_name("SHELL")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
  completion.footer(
      "quern completion bash > ~/.local/share/bash-completion/completions/quern\n"
      "quern completion zsh > ~/.zfunc/_quern\n"
      "quern completion fish > ~/.config/fish/completions/quern.fish");
  add_common(completion, values);

  add_common(*root.add_subcommand("version", "Print the version"), values);
  CLI::App& help = *root.add_subcommand("help", "Show the page of a command, or `exit-codes`");
  help.add_option("topic", values.topics, "A command, or exit-codes")->type_name("TOPIC");
  help.set_help_flag();
}

}  // namespace

void add_common(CLI::App& app, Values& values) {
  add(app, kOther, "--log-level", "LEVEL", values.log_level,
      "debug, info, warn, error or off (default info)");
  app.set_help_flag("-h,--help", "Show this page")->group(kOther);
}

std::unique_ptr<CLI::App> make_app(Values& values) {
  auto root = std::make_unique<CLI::App>(
      "run language models, and programs that use them, on this machine", "quern");
  root->require_subcommand(0, 1);
  root->option_defaults()->always_capture_default(false);
  add_model_options(*root, values, values.serve.model,
                    "Model to serve (several times; the first is the default)");
  add_server_options(*root, values);
  add_record(*root, values, values.serve.record, "DIR", kRecordRequests);
  add_many(*root, kServer, "--allow-origin", "ORIGIN", values.serve.server.allowed_origins,
           "Let pages of this origin use the API, as https://app.example; * stands for any");
  root->add_flag("--no-open", values.no_open, "Do not open the page in a browser")->group(kServer);
  add_common(*root, values);
  root->set_version_flag("--version", std::string("quern " QUERN_VERSION), "Print the version")
      ->group(kOther);
  add_chat(*root, values);
  add_run(*root, values);
  add_replay(*root, values);
  add_serve(*root, values);
  add_model(*root, values);
  add_packages(*root, values);
  add_registries(*root, values);
  add_pipe(*root, values);
  add_others(*root, values);
  root->footer(
      "quern                          chat in the browser, and an OpenAI-compatible API\n"
      "quern --model gemma --port 9000\n"
      "quern chat \"Why is the sky blue?\"\n"
      "quern run --dir .::/data:ro tool.wasm");
  return root;
}

}  // namespace quern::cli
