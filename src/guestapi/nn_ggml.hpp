// WASI-NN's GGML back-end: graphs are granted models, contexts are requests to the shared engine.
#pragma once

#include "guestapi/guestapi.hpp"
#include "guestapi/lane.hpp"
#include "guestapi/nn_backend.hpp"

namespace quern::guestapi {

class GgmlBackend final : public NnBackend {
 public:
  // What may block goes to the lanes. All of them must outlive every instance.
  GgmlBackend(ModelProvider& models, Lane& opening, Lane& counting)
      : models_(models), opening_(opening), counting_(counting) {}

  bool knows(std::string_view /*name*/) const override { return true; }
  bool reads(NnEncoding encoding, const NnBuilders& /*builders*/) const override {
    return encoding == NnEncoding::ggml || encoding == NnEncoding::automatic;
  }
  NnStep load_by_name(GuestInstance& guest, NnCall& call, std::string_view name,
                      std::string_view config, std::shared_ptr<NnGraph>& out) override;
  // Builder 0 is "preload:NAME", builder 1, if there is one, the options.
  NnStep load(GuestInstance& guest, NnCall& call, NnEncoding encoding, const NnBuilders& builders,
              std::shared_ptr<NnGraph>& out) override;

 private:
  // The model that was granted as `name`; pending while it is being loaded.
  NnStep open(GuestInstance& guest, NnCall& call, const std::string& name,
              std::shared_ptr<inference::Model>& out);

  ModelProvider& models_;
  Lane& opening_;
  Lane& counting_;
};

}  // namespace quern::guestapi
