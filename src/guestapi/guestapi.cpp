#include "guestapi/guestapi.hpp"

#include "guestapi/guest_instance.hpp"
#include "guestapi/import_advice.hpp"
#include "guestapi/llm_host.hpp"
#include "guestapi/network_policy.hpp"

namespace quern::guestapi {

struct GuestApi::Impl {
  explicit Impl(ModelProvider& models)
      : llm(models),
        imports{.interfaces = llm.interfaces(), .functions = {}, .advice = import_advice()} {}

  LlmHost llm;
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
