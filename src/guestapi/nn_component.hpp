// wasi:nn@0.2.0-rc-2024-10-28, as components import it: tensors, graphs, inference, errors.
//
// The same back-ends as for core modules (nn_backend.hpp). A failure is an `error` resource with
// one of nine codes and words; a forged handle traps.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/nn_backend.hpp"
#include "wasm/host.hpp"

#include <memory>
#include <vector>

namespace quern::guestapi {

class NnComponentHost {
 public:
  // `backends` outlives *this, and *this every program linked with its interfaces.
  explicit NnComponentHost(const NnBackends& backends) : backends_(backends) {}

  std::vector<wasm::HostInterface> interfaces();

 private:
  using Call = std::shared_ptr<wasm::HostCall>;
  using Method = Result<> (NnComponentHost::*)(GuestInstance&, const Call&);

  wasm::HostFunction function(Method method);

  // Each answers the call itself, or returns what it traps with.

  Result<> make_tensor(GuestInstance& guest, const Call& call);
  Result<> dimensions(GuestInstance& guest, const Call& call);
  Result<> element_type(GuestInstance& guest, const Call& call);
  Result<> data(GuestInstance& guest, const Call& call);
  Result<> load(GuestInstance& guest, const Call& call);
  Result<> load_by_name(GuestInstance& guest, const Call& call);
  Result<> init_execution_context(GuestInstance& guest, const Call& call);
  Result<> compute(GuestInstance& guest, const Call& call);
  Result<> code(GuestInstance& guest, const Call& call);
  Result<> words(GuestInstance& guest, const Call& call);

  const NnBackends& backends_;
};

}  // namespace quern::guestapi
