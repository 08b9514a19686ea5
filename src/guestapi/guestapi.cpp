#include "guestapi/guestapi.hpp"

#include "guestapi/config_host.hpp"
#include "guestapi/guest_instance.hpp"
#include "guestapi/import_advice.hpp"
#include "guestapi/kv_host.hpp"
#include "guestapi/llm_host.hpp"
#include "guestapi/logging_host.hpp"
#include "guestapi/network_policy.hpp"
#include "guestapi/nn_component.hpp"
#include "guestapi/nn_ggml.hpp"
#include "guestapi/nn_host.hpp"
#include "guestapi/nn_tensor.hpp"
#include "guestapi/spin_llm_host.hpp"

#include <algorithm>
#include <iterator>

namespace quern::guestapi {

namespace {

void add(std::vector<wasm::HostInterface>& all, std::vector<wasm::HostInterface> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

struct GuestApi::Impl {
  Impl(ModelProvider& models, std::unique_ptr<store::Stores> kept, tensor::GraphShelf* graphs)
      : stores(std::move(kept)), work(models, *opening, *counting) {
    if (graphs != nullptr) {
      computing = std::make_unique<Lane>("quern-tensor", 256);
      backends.add(std::make_unique<TensorBackend>(*graphs, *opening, *computing));
    }
    backends.add(std::make_unique<GgmlBackend>(models, *opening, *counting));
    imports.interfaces = llm.interfaces();
    add(imports.interfaces, {spin_llm.interface()});
    add(imports.interfaces, nn_component.interfaces());
    add(imports.interfaces, kv.interfaces());
    add(imports.interfaces, config_interfaces());
    add(imports.interfaces, logging_interfaces());
    imports.functions = nn.functions();
    imports.functions.push_back(logging_function());
    imports.advice = import_advice();
  }

  // Jobs name the hosts: they end first.
  ~Impl() {
    opening = nullptr;
    counting = nullptr;
    storing = nullptr;
    computing = nullptr;
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::unique_ptr<Lane> opening = std::make_unique<Lane>("quern-open", 256);
  std::unique_ptr<Lane> counting = std::make_unique<Lane>("quern-count", 256);
  const std::unique_ptr<store::Stores> stores;
  std::unique_ptr<Lane> storing = std::make_unique<Lane>("quern-store", 4096);
  std::unique_ptr<Lane> computing;  // once there are graphs
  ModelWork work;
  LlmHost llm{work};
  SpinLlmHost spin_llm{work};
  KvHost kv{stores.get(), *storing};
  NnBackends backends;
  NnHost nn{backends};
  NnComponentHost nn_component{backends};
  wasm::HostImports imports;
};

GuestApi::GuestApi(ModelProvider& models, std::unique_ptr<store::Stores> stores,
                   tensor::GraphShelf* graphs)
    : impl_(std::make_unique<Impl>(models, std::move(stores), graphs)) {}
GuestApi::~GuestApi() = default;

const wasm::HostImports& GuestApi::imports() const { return impl_->imports; }

bool GuestApi::end(Deadline deadline) {
  return impl_->computing == nullptr || impl_->computing->close(deadline);
}

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
