#include "guestapi/nn_backend.hpp"

#include <algorithm>

namespace quern::guestapi {
namespace {

NnStep whole_outputs_only() {
  return {NnStatus::unsupported_operation, "this graph computes its outputs as a whole"};
}

}  // namespace

NnStep NnContext::compute_single(NnCall& /*call*/) { return whole_outputs_only(); }

NnStep NnContext::output_single(std::uint32_t /*index*/, NnCall& /*call*/, std::string& /*out*/) {
  return whole_outputs_only();
}

NnStep NnContext::end_single() { return whole_outputs_only(); }

NnStep NnBackends::load_by_name(GuestInstance& guest, NnCall& call, std::string_view name,
                                std::string_view config, std::shared_ptr<NnGraph>& out) const {
  const auto backend = std::find_if(backends_.begin(), backends_.end(), [&](const auto& each) {
    return each == backends_.back() || each->knows(name);
  });
  if (backend == backends_.end()) return {NnStatus::not_found, "nothing here loads graphs"};
  return (*backend)->load_by_name(guest, call, name, config, out);
}

NnStep NnBackends::load(GuestInstance& guest, NnCall& call, const NnBuilders& builders,
                        std::uint32_t encoding, std::uint32_t target,
                        std::shared_ptr<NnGraph>& out) const {
  if (target >= static_cast<std::uint32_t>(NnTarget::automatic)) {
    return {NnStatus::invalid_argument, "the target is none of CPU, GPU and TPU"};
  }
  if (encoding > static_cast<std::uint32_t>(NnEncoding::last)) {
    return {NnStatus::invalid_argument, "no encoding has the number " + std::to_string(encoding)};
  }
  const auto form = static_cast<NnEncoding>(encoding);
  const auto backend = std::find_if(backends_.begin(), backends_.end(),
                                    [&](const auto& each) { return each->reads(form, builders); });
  if (backend == backends_.end()) {
    return {NnStatus::invalid_encoding, "graphs of encoding " + std::to_string(encoding) +
                                            " are not offered; OpenVINO (0), ONNX (1), "
                                            "TensorFlow (2), TensorFlow Lite (4) and GGML (6) are"};
  }
  return (*backend)->load(guest, call, form, builders, out);
}

}  // namespace quern::guestapi
