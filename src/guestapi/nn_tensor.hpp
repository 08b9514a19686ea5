// WASI-NN's back-end of tensors: graphs of the tensor room, the process's own by name or the
// guest's own from its bytes.
#pragma once

#include "guestapi/guestapi.hpp"
#include "guestapi/lane.hpp"
#include "guestapi/nn_backend.hpp"

#include "tensor/graph_shelf.hpp"

namespace quern::guestapi {

class TensorBackend final : public NnBackend {
 public:
  // Loading and computing block: they go to the lanes. All of them must outlive every instance, and
  // the shelf the lanes.
  TensorBackend(tensor::GraphShelf& graphs, Lane& loading, Lane& computing)
      : graphs_(graphs), loading_(loading), computing_(computing) {}

  bool knows(std::string_view name) const override { return graphs_.has(name); }
  // What the tensor room has a name for, or what is no GGML when the guest leaves it to us.
  bool reads(NnEncoding encoding, const NnBuilders& builders) const override;
  NnStep load_by_name(GuestInstance& guest, NnCall& call, std::string_view name,
                      std::string_view config, std::shared_ptr<NnGraph>& out) override;
  // One builder: the file's bytes, or "preload:NAME". OpenVINO's own form may have a second: the
  // weights.
  NnStep load(GuestInstance& guest, NnCall& call, NnEncoding encoding, const NnBuilders& builders,
              std::shared_ptr<NnGraph>& out) override;

 private:
  tensor::GraphShelf& graphs_;
  Lane& loading_;
  Lane& computing_;
};

}  // namespace quern::guestapi
