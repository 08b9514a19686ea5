// What was asked for on the command line, as values. Made by parse(); no text is parsed after it.
#pragma once

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "base/result.hpp"

#include "tensor/tensor.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace quern::cli {

using std::chrono::milliseconds;

// A model or graph by the name that programs of WASI-NN ask for; read when one does.
struct Preload {
  std::string name;
  std::string path;                          // a file; for GGML whatever else the catalog takes
  std::optional<tensor::Encoding> encoding;  // of a graph; none: GGML
  std::string weights;                       // of a graph in two files, when it was named
};

// LoRA weights to be added to a model's.
struct AdapterChoice {
  std::string reference;  // a file, or a name or digest of the store
  float scale = 1;
};

// How models are run. Zeroes and empty values mean the engine's defaults.
struct ModelOptions {
  std::vector<std::string> models;      // references for the catalog; the first is the default
  std::vector<AdapterChoice> adapters;  // of the one model
  std::vector<Preload> preloads;        // GGML models
  std::vector<Preload> graphs;          // of tensors
  std::filesystem::path fake_model;     // a script instead of weights, for tests
  std::uint32_t context_tokens = 0;
  std::uint32_t threads = 0;
  std::uint32_t max_running = 0;
  std::optional<std::uint32_t> cache_tokens;
  std::optional<Bytes> cache_memory;
};

inline bool names_models(const ModelOptions& options) {
  return !options.models.empty() || !options.preloads.empty() || !options.fake_model.empty();
}

enum class OpenPage : std::uint8_t { when_possible, never };

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::optional<std::uint16_t> port;         // absent: the default one, or the next that is free
  std::vector<std::string> allowed_hosts;    // beside loopback names; see host_names.hpp
  std::vector<std::string> allowed_origins;  // of pages that may use the chat server's API
  std::filesystem::path api_key_file;
  std::filesystem::path tls_certificate;
  std::filesystem::path tls_key;
  std::uint32_t max_requests = 1000;
  OpenPage open = OpenPage::when_possible;
};
inline constexpr std::uint16_t kDefaultPort = 8080;

// What a guest of the user's may do, still as written: "HOST[::GUEST][:ro]" and so on.
struct GrantOptions {
  std::filesystem::path manifest;
  std::vector<std::string> directories;
  std::vector<std::string> environment;
  std::vector<std::string> net;
  std::vector<std::string> listen;
  std::vector<std::string> stores;  // "LABEL=PLACE"
  std::vector<std::string> config;  // "NAME=VALUE"
  std::optional<Bytes> memory;
  std::optional<milliseconds> timeout;
  std::optional<milliseconds> cpu;
  std::optional<Bytes> graphs;
  std::uint64_t tokens = 0;
};

// Where all that a guest hears from the world is written down; empty: nowhere.
struct RecordOptions {
  std::filesystem::path place;  // a file; of a service a folder
  std::optional<Bytes> limit;
};

struct Serve {                 // `quern`, `quern serve FILE`
  std::filesystem::path file;  // empty: the chat server
  ModelOptions model;
  ServerOptions server;
  GrantOptions grants;
  RecordOptions record;
};
struct Chat {
  ModelOptions model;
  std::string system;
  std::vector<std::string> prompt;  // words; empty: ask, or read stdin
  std::optional<float> temperature;
  std::optional<std::uint32_t> seed;
  std::optional<std::uint32_t> max_tokens;
};
struct Run {
  std::filesystem::path file;
  std::vector<std::string> arguments;
  std::string invoke;
  ModelOptions model;
  GrantOptions grants;
  RecordOptions record;
};
struct Replay {
  std::filesystem::path recording;
  std::filesystem::path program;  // empty: where it was when it was recorded
  bool check = false;             // only whether it is the same
};
struct Compile {
  std::filesystem::path file;
  std::filesystem::path output;
};
struct New {
  std::string language;
  std::string kind;
  std::string name;
};
struct Pack {
  std::string model;             // whose weights; a reference for the catalog
  std::string name;              // "acme/analyst"; empty: the output's
  std::filesystem::path system;  // a file with the system text; may be empty
  std::vector<AdapterChoice> adapters;
  std::filesystem::path output;
};
struct Compose {
  std::filesystem::path app;
  std::filesystem::path model;
  std::filesystem::path output;
};
enum class Form : std::uint8_t { text, json, names };
// How registries are spoken to.
struct RegistryChoice {
  bool plain_http = false;  // with all of them, not only with this machine's
};
struct Inspect {
  std::string what;  // a file or a reference
  Form form = Form::text;
  RegistryChoice registry;
};
struct Push {
  std::filesystem::path file;
  std::string reference;
  bool without_weights = false;
  RegistryChoice registry;
};
struct PullArtifact {
  std::string reference;
  std::filesystem::path output;  // empty: the last part of its name
  RegistryChoice registry;
};
struct Sign {
  std::string reference;
  std::filesystem::path key;
  RegistryChoice registry;
};
struct Verify {
  std::string reference;
  std::filesystem::path key;
  RegistryChoice registry;
};
struct ModelPull {
  std::string name;
};
struct ModelList {
  Form form = Form::text;
};
struct ModelShow {
  std::string name;
  Form form = Form::text;
};
struct ModelRemove {
  std::string name;
};
struct Doctor {
  Form form = Form::text;
};
// `quern pipe templates`.
struct LogTemplates {
  std::vector<std::filesystem::path> files;  // none: standard input
  std::filesystem::path state;               // what earlier runs learned; may be empty
  Form form = Form::text;                    // names: the id before each line
};
// `quern pipe FILE.toml` and what is done with such a file.
struct Pipe {
  enum class Action : std::uint8_t {
    run,
    check,
    test,
    init,
    tap,
    top,
    replay,
    reload,
    search,
    approvals,
    approve,
    deny,
    ui
  };
  Action action = Action::run;
  std::filesystem::path file;
  std::vector<std::string> stages;  // of tap one; of replay none: all
  std::string to;       // of replay: the output that gets what a stage left; may be empty
  std::string text;     // of search: part of a line; may be empty
  std::string pattern;  // of search: a template's id; may be empty
  std::optional<milliseconds> since;
  std::uint32_t limit = 100;
  std::uint64_t number = 0;  // of approve and deny
};
struct Page {  // help, version, completion: text that is printed
  std::string text;
};

struct Command {
  std::variant<Serve, Chat, Run, Replay, Compile, New, Pack, Compose, Inspect, Push, PullArtifact,
               Sign, Verify, ModelPull, ModelList, ModelShow, ModelRemove, Doctor, LogTemplates,
               Pipe, Page>
      what;
  log::Level log_level = log::Level::info;
};

// `args` is without the program's name. invalid_argument with a line of advice for a command line
// that makes no sense.
Result<Command> parse(const std::vector<std::string>& args);

// The text for `quern completion SHELL`: "bash", "zsh" or "fish".
Result<std::string> completion_script(std::string_view shell);

}  // namespace quern::cli
