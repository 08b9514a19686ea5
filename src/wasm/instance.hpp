// The C++ side of one instance: its sandbox, kept while the bridge may ask for it. Internal to
// wasm/.
#pragma once

#include "base/guarded.hpp"
#include "wasm/bridge/bridge.h"
#include "wasm/sandbox.hpp"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quern::wasm {

// Given to the bridge as qb_sandbox::instance, which drops it through instance_drop.
struct Instance {
  explicit Instance(Sandbox given) : sandbox(std::move(given)) {}
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  // Host calls that wait for their answer hold the state: here they learn that nobody waits.
  ~Instance() {
    if (sandbox.state != nullptr) sandbox.state->ended();
  }
  Sandbox sandbox;
  // What the network policy said no to and the log told.
  Guarded<std::set<std::string>> denials;
};

// A qb_sandbox and the arrays that it points into; alive for one bridge call, which takes the
// instance.
class SandboxView {
 public:
  explicit SandboxView(std::unique_ptr<Instance> instance);
  // Once; the caller hands it to a bridge function at once.
  const qb_sandbox* give();

 private:
  std::unique_ptr<Instance> instance_;
  std::vector<qb_bytes> args_;
  std::vector<qb_pair> env_;
  std::vector<qb_directory> directories_;
  qb_sandbox view_{};
};

// Fills the callbacks instance_*.
void set_instance_callbacks(qb_callbacks& callbacks);

}  // namespace quern::wasm
