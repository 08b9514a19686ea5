#include "guestapi/guestapi.hpp"

#include "guestapi/guest_instance.hpp"
#include "guestapi/import_advice.hpp"
#include "guestapi/llm_host.hpp"
#include "guestapi/logging_host.hpp"
#include "guestapi/network_policy.hpp"
#include "guestapi/nn_component.hpp"
#include "guestapi/nn_ggml.hpp"
#include "guestapi/nn_host.hpp"
#include "guestapi/nn_tensor.hpp"

namespace quern::guestapi {

struct GuestApi::Impl {
  Impl(ModelProvider& models, tensor::GraphShelf* graphs) : llm(models, *opening, *counting) {
    if (graphs != nullptr) {
      computing = std::make_unique<Lane>("quern-tensor", 256);
      backends.add(std::make_unique<TensorBackend>(*graphs, *opening, *computing));
    }
    backends.add(std::make_unique<GgmlBackend>(models, *opening, *counting));
    imports.interfaces = llm.interfaces();
    for (wasm::HostInterface& each : nn_component.interfaces()) {
      imports.interfaces.push_back(std::move(each));
    }
    imports.functions = nn.functions();
    imports.functions.push_back(logging_function());
    imports.advice = import_advice();
  }

  // Jobs name the hosts: they end first.
  ~Impl() {
    opening = nullptr;
    counting = nullptr;
    computing = nullptr;
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::unique_ptr<Lane> opening = std::make_unique<Lane>("quern-open", 256);
  std::unique_ptr<Lane> counting = std::make_unique<Lane>("quern-count", 256);
  std::unique_ptr<Lane> computing;  // once there are graphs
  LlmHost llm;
  NnBackends backends;
  NnHost nn{backends};
  NnComponentHost nn_component{backends};
  wasm::HostImports imports;
};

GuestApi::GuestApi(ModelProvider& models, tensor::GraphShelf* graphs)
    : impl_(std::make_unique<Impl>(models, graphs)) {}
GuestApi::~GuestApi() = default;

const wasm::HostImports& GuestApi::imports() const { return impl_->imports; }

Result<wasm::Sandbox> GuestApi::sandbox(const Grants& grants, Guest guest) const {
  wasm::Sandbox sandbox;
  sandbox.env = grants.env;
  sandbox.directories = grants.files;
  sandbox.limits = grants.limits;
  sandbox.network = TRY(make_network_policy(grants.net, grants.listen));
  sandbox.state = std::make_shared<GuestInstance>(grants, std::move(guest));
  return sandbox;
}

}  // namespace quern::guestapi
