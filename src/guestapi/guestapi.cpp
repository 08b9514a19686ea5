#include "guestapi/guestapi.hpp"

#include "guestapi/guest_instance.hpp"
#include "guestapi/import_advice.hpp"
#include "guestapi/llm_host.hpp"
#include "guestapi/logging_host.hpp"
#include "guestapi/network_policy.hpp"
#include "guestapi/nn_ggml.hpp"
#include "guestapi/nn_host.hpp"
#include "guestapi/spin_llm_host.hpp"

namespace quern::guestapi {

struct GuestApi::Impl {
  explicit Impl(ModelProvider& models) : work(models, *opening, *counting) {
    std::vector<std::unique_ptr<NnBackend>> backends;
    backends.push_back(std::make_unique<GgmlBackend>(models, *opening, *counting));
    nn = std::make_unique<NnHost>(std::move(backends));
    imports.interfaces = llm.interfaces();
    imports.interfaces.push_back(spin_llm.interface());
    imports.functions = nn->functions();
    imports.functions.push_back(logging_function());
    imports.advice = import_advice();
  }

  // Jobs name the hosts: they end first.
  ~Impl() {
    opening = nullptr;
    counting = nullptr;
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::unique_ptr<Lane> opening = std::make_unique<Lane>("quern-open", 256);
  std::unique_ptr<Lane> counting = std::make_unique<Lane>("quern-count", 256);
  ModelWork work;
  LlmHost llm{work};
  SpinLlmHost spin_llm{work};
  std::unique_ptr<NnHost> nn;
  wasm::HostImports imports;
};

GuestApi::GuestApi(ModelProvider& models) : impl_(std::make_unique<Impl>(models)) {}
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
