#include "guestapi/nn_backend.hpp"

namespace quern::guestapi {
namespace {

NnStep whole_outputs_only() {
  return {NnStatus::unsupported_operation, "this graph computes its outputs as a whole"};
}

}  // namespace

NnStep NnContext::compute_single(wasm::RawCall& /*call*/) { return whole_outputs_only(); }

NnStep NnContext::output_single(std::uint32_t /*index*/, wasm::RawCall& /*call*/,
                                std::string& /*out*/) {
  return whole_outputs_only();
}

NnStep NnContext::end_single() { return whole_outputs_only(); }

}  // namespace quern::guestapi
