// The module `wasi_ephemeral_nn` that core modules import: WASI-NN as WasmEdge's guests use it.
//
// Reads the guest's records, keeps its ids, and hands the work to a back-end (nn_backend.hpp). A
// failure is a number for the guest and a line in the log for whoever runs it; never a trap.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/nn_backend.hpp"
#include "wasm/host.hpp"

#include <memory>
#include <string>
#include <vector>

namespace quern::guestapi {

class NnHost {
 public:
  // `backends` outlives *this, and *this every program linked with its functions.
  explicit NnHost(const NnBackends& backends) : backends_(backends) {}

  std::vector<wasm::RawFunction> functions();

 private:
  using Method = NnStep (NnHost::*)(GuestInstance&, wasm::RawCall&);

  wasm::RawFunction function(std::string name, std::size_t parameters, Method method);

  NnStep load(GuestInstance& guest, wasm::RawCall& call);
  NnStep load_by_name(GuestInstance& guest, wasm::RawCall& call);
  NnStep load_by_name_with_config(GuestInstance& guest, wasm::RawCall& call);
  NnStep init_execution_context(GuestInstance& guest, wasm::RawCall& call);
  NnStep set_input(GuestInstance& guest, wasm::RawCall& call);
  NnStep compute(GuestInstance& guest, wasm::RawCall& call);
  NnStep compute_single(GuestInstance& guest, wasm::RawCall& call);
  NnStep get_output(GuestInstance& guest, wasm::RawCall& call);
  NnStep get_output_single(GuestInstance& guest, wasm::RawCall& call);
  NnStep fini_single(GuestInstance& guest, wasm::RawCall& call);
  NnStep unload(GuestInstance& guest, wasm::RawCall& call);
  NnStep finalize_execution_context(GuestInstance& guest, wasm::RawCall& call);

  // The graph called `name`; its id goes to `id_out`.
  NnStep load_named(GuestInstance& guest, wasm::RawCall& call, std::string_view name,
                    std::string_view config, std::uint32_t id_out);

  const NnBackends& backends_;
};

}  // namespace quern::guestapi
