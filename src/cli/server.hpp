// A node that serves one app: models, wasm engine, guest and listener, made side by side.
#pragma once

#include "apphost/apphost.hpp"
#include "cli/cli.hpp"
#include "cli/command.hpp"
#include "cli/front.hpp"
#include "cli/model_component.hpp"
#include "cli/models.hpp"
#include "guestapi/guestapi.hpp"
#include "http/http.hpp"
#include "wasm/wasm.hpp"

#include "tensor/graph_shelf.hpp"

#include <memory>
#include <optional>

namespace quern::cli {

// The chat server that this program holds.
Result<std::shared_ptr<const wasm::Program>> load_chat_server(wasm::Engine& engine,
                                                              const World& world);

// Members are in the order in which they are made; they end in the opposite one.
class ServingNode {
 public:
  // `home` and `world` must outlive *this.
  static Result<std::unique_ptr<ServingNode>> create(const Serve& options, const Home& home,
                                                     World& world);
  ~ServingNode();

  // Waits for the models and opens the door.
  Result<> make_ready(const std::stop_token& stop);
  std::string url() const;
  const Models& models() const { return models_; }
  // Ends: no new connections, answers in progress may end until the deadline.
  void drain(Deadline deadline) { server_->drain(deadline); }
  std::uint32_t in_progress() const { return app_ ? app_->counts().in_progress : 0; }
  std::string metrics() const;
  std::string ailment() const;

 private:
  ServingNode(Serve options, std::optional<ModelComponent> component, const Home& home,
              World& world);
  Result<> listen();
  Result<wasm::Recording> begin_records();
  Result<> load_guest(const Home& home);
  Result<std::shared_ptr<const wasm::Program>> program();

  const Serve options_;
  const std::optional<ModelComponent> component_;  // between the app and the weights
  World& world_;
  apphost::ApiKeys keys_;
  Models models_;
  tensor::GraphShelf graphs_;
  guestapi::GuestApi api_;
  std::unique_ptr<wasm::Engine> engine_;
  std::shared_ptr<wasm::Linked> linked_;
  std::unique_ptr<apphost::App> app_;
  std::unique_ptr<Front> front_;
  std::unique_ptr<http::Server> server_;
};

// `quern` and `quern serve FILE`: returns the exit code when a signal ended it.
Result<int> serve(const Serve& options, World& world);

}  // namespace quern::cli
