#include "cli/server.hpp"

#include "base/host_port.hpp"
#include "base/log.hpp"
#include "base/unpack.hpp"
#include "cli/exit_codes.hpp"
#include "cli/grants.hpp"
#include "cli/metrics.hpp"
#include "cli/nn_preload.hpp"
#include "cli/stalled.hpp"

#include "store/store.hpp"

namespace quern::cli {
namespace {

// Tried after the default port when that is taken, before a person has to choose.
constexpr std::uint16_t kMorePorts = 20;
// Far above the chat server built in, as component or as machine code.
constexpr Bytes kLargestChat = 64_MiB;

http::ServerOptions listen_options(const ServerOptions& options) {
  http::ServerOptions listen{.host = options.host, .port = options.port.value_or(kDefaultPort)};
  if (!options.tls_certificate.empty()) {
    listen.tls = http::TlsFiles{.certificate = options.tls_certificate, .key = options.tls_key};
  }
  return listen;
}

// The chat page and what it loads may be read without a key; the page asks for one.
std::vector<std::string> open_paths(const Serve& options) {
  if (!options.file.empty()) return {};
  return {"/", "/health", "/assets/*", "/theme.js", "/licences.txt", "OPTIONS /v1/*"};
}

bool uses_models(const Serve& options) {
  return options.file.empty() || names_models(options.model);
}

ModelLoads loads(const Models& models) {
  ModelLoads loads;
  for (const auto& model : models.all()) loads.emplace_back(model->info().name, model->load());
  return loads;
}

Result<Buffer> chat_wasm(const World& world) {
  if (world.chat_wasm.empty()) {
    return fail(ErrorKind::unsupported, "this build holds no chat server");
  }
  return unpack(world.chat_wasm, kLargestChat);
}

}  // namespace

Result<std::shared_ptr<const wasm::Program>> load_chat_server(wasm::Engine& engine,
                                                              const World& world) {
  const Buffer wasm = TRY(chat_wasm(world));
  if (!world.chat_image.empty()) {
    const Buffer image = TRY(unpack(world.chat_image, kLargestChat));
    auto program = engine.load_trusted_image(image, wasm);
    if (program) return program;
    log::debug("cli",
               "the built-in machine code is not for this CPU: " + program.error().describe());
  }
  return engine.load(wasm, "chat");
}

ServingNode::ServingNode(Serve options, std::optional<ModelComponent> component, const Home& home,
                         World& world)
    : options_(std::move(options)),
      component_(std::move(component)),
      world_(world),
      graphs_(tensor::known_libraries({.threads = options_.model.threads}, world_.process,
                                      world_.files)),
      api_(models_, store::make_sqlite_stores(home.stores), &graphs_) {
  put_on_shelf(options_.model, graphs_);
}

ServingNode::~ServingNode() = default;

Result<std::unique_ptr<ServingNode>> ServingNode::create(const Serve& asked, const Home& home,
                                                         World& world) {
  Serve options = asked;
  auto component = TRY(take_component(options.model, home, world));
  std::unique_ptr<ServingNode> node(new ServingNode(options, std::move(component), home, world));
  // The slowest part first: weights come in while the rest is made.
  if (uses_models(options)) {
    node->models_.start(options.model, home, world, weights_of(node->component_));
  }
  if (!options.server.api_key_file.empty()) {
    node->keys_ = TRY(apphost::ApiKeys::load(options.server.api_key_file, world.files));
  }
  node->front_ = std::make_unique<Front>(
      node->keys_, HostNames(options.server.host, options.server.allowed_hosts),
      Insight{.metrics = [raw = node.get()] { return raw->metrics(); },
              .ailment = [raw = node.get()] { return raw->ailment(); }});
  TRY(node->listen());
  TRY(node->load_guest(home));
  return node;
}

Result<> ServingNode::listen() {
  http::ServerOptions listen = listen_options(options_.server);
  const std::uint16_t last =
      options_.server.port ? listen.port : static_cast<std::uint16_t>(listen.port + kMorePorts);
  for (;; ++listen.port) {
    Result<std::unique_ptr<http::Server>> server = http::Server::listen(listen, *front_);
    if (server) {
      server_ = *std::move(server);
      if (!is_loopback_name(listen.host) && !keys_.required()) {
        log::warn("cli", "everybody who can reach " + listen.host +
                             " may use this server: set --api-key-file");
      }
      return {};
    }
    const bool taken = server.error().kind() == ErrorKind::already_exists;
    if (!taken) return fail(std::move(server).error());
    if (listen.port == last) {
      return fail(with_advice(std::move(server).error(), "quern --port 0    (any free port)"));
    }
  }
}

Result<std::shared_ptr<const wasm::Program>> ServingNode::program() {
  if (!options_.file.empty()) {
    return load_program(*engine_, options_.file, options_.model, component_, world_.files);
  }
  if (!component_) return load_chat_server(*engine_, world_);
  return load_composed(*engine_, TRY(chat_wasm(world_)), "chat", *component_);
}

Result<> ServingNode::load_guest(const Home& home) {
  TRY(world_.files.make_directories(home.code.parent_path()));
  engine_ = TRY(wasm::Engine::create({.cache_dir = home.code}));
  const std::shared_ptr<const wasm::Program> guest = TRY(program());
  if (!guest->is_http_handler()) {
    return fail(with_advice(
        Error(ErrorKind::unsupported,
              options_.file.string() + " does not export wasi:http/incoming-handler"),
        guest->is_command() ? "quern run " + options_.file.string() : "quern help serve"));
  }
  linked_ = TRY(engine_->link(guest, api_.imports()));
  return {};
}

// The folder is there, and no file of an earlier process is written over.
Result<wasm::Recording> ServingNode::begin_records() {
  if (component_) {
    return fail(
        ErrorKind::unsupported,
        "--record: not with a model that is a component; `quern compose` makes one program");
  }
  TRY(world_.files.make_directories(options_.record.place));
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(world_.clock.date().time_since_epoch());
  return wasm::Recording{.file = options_.record.place / (std::to_string(now.count()) + "-"),
                         .program = options_.file.string(),
                         .limit = options_.record.limit.value_or(1_GiB)};
}

Result<> ServingNode::make_ready(const std::stop_token& stop) {
  guestapi::Grants grants =
      options_.file.empty() ? chat_grants(options_.server)
                            : TRY(make_grants(options_.grants, Purpose::service, world_.process));
  std::vector<std::string> names;
  if (uses_models(options_)) {
    TRY(models_.wait(stop));
    names = models_.names();
  }
  TRY(check_names(options_.model, names));
  grants.models.insert(grants.models.end(), names.begin(), names.end());
  grant_preloads(options_.model, grants);
  std::optional<wasm::Recording> record;
  if (!options_.record.place.empty()) record = TRY(begin_records());
  app_ = std::make_unique<apphost::App>(
      apphost::AppOptions{.name = options_.file.empty() ? "chat" : options_.file.stem().string(),
                          .program = linked_,
                          .grants = std::move(grants),
                          .keys = keys_,
                          .open_paths = open_paths(options_),
                          .max_requests = options_.server.max_requests,
                          .record = std::move(record)},
      api_);
  front_->open(*app_);
  return {};
}

std::string ServingNode::url() const {
  const std::string& host = options_.server.host;
  const bool everywhere = host == "0.0.0.0" || host == "::";
  const std::string name = everywhere ? "localhost" : in_brackets(host);
  return (options_.server.tls_certificate.empty() ? "http://" : "https://") + name + ":" +
         std::to_string(server_->port());
}

std::string ServingNode::metrics() const {
  Metrics metrics{.app = options_.file.empty() ? "chat" : options_.file.stem().string()};
  if (app_) metrics.counts = app_->counts();
  if (server_) metrics.connections = server_->connections();
  if (engine_) metrics.instances = engine_->live_instances();
  metrics.models = loads(models_);
  return prometheus_text(metrics);
}

// Of the chat server only: a program of somebody else says itself how it is.
std::string ServingNode::ailment() const {
  return options_.file.empty() ? stalled_models(loads(models_)) : std::string();
}

}  // namespace quern::cli
