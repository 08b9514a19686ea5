// One prompt and its answer, for a guest of WASI-NN.
//
// The guest sets a prompt (input 0) and options (input 1), then asks for the whole answer at once
// (compute) or piece by piece (compute_single). Both are one generation of the shared engine; the
// model runs ahead of a guest that takes pieces, as far as its bounded channel lets it.
#pragma once

#include "guestapi/account.hpp"
#include "guestapi/guest_instance.hpp"
#include "guestapi/lane.hpp"
#include "guestapi/later.hpp"
#include "guestapi/nn_backend.hpp"
#include "guestapi/nn_options.hpp"
#include "guestapi/reservation.hpp"
#include "inference/inference.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace quern::guestapi {

class GgmlContext final : public NnContext {
 public:
  // `guest` and `counting` outlive it.
  GgmlContext(std::shared_ptr<inference::Model> model, NnOptions options, GuestInstance& guest,
              Lane& counting)
      : model_(std::move(model)),
        options_(std::move(options)),
        guest_(guest),
        counting_(counting),
        held_(guest.nn.held) {}
  // What was computed is metered, whoever lets go of it.
  ~GgmlContext() override;
  void ended() override { clear(); }

  // Index 1: options. Any other: a prompt, which ends what the last one led to.
  NnStep set_input(std::uint32_t index, tensor::Tensor tensor) override;
  // "options", and any other name for the prompt.
  NnStep set_input(std::string_view name, tensor::Tensor tensor) override;
  void forget_inputs() override;
  NnStep compute(NnCall& call) override;
  NnStep compute_single(NnCall& call) override;
  NnStep end_single() override;
  // Index 1: counts as JSON. Any other: the text, or of output_single the last piece.
  NnStep output(std::uint32_t index, NnCall& call, std::string& out) override;
  NnStep output_single(std::uint32_t index, NnCall& call, std::string& out) override;
  // "text" and "counts".
  NnStep outputs(NnCall& call, tensor::NamedTensors& out) override;

 private:
  enum class Mode : std::uint8_t { whole, single };

  // An answer on its way.
  struct Answer {
    Mode mode = Mode::whole;
    bool wanted = false;  // it is as long as the guest wanted when it has as many tokens as it may
    Reservation reservation;
    std::unique_ptr<inference::Generation> generation;
    std::deque<std::string> unread;
    std::optional<NnStep> end;  // set once the model says no more
  };
  // Steps of a compute call, each asked again until it is over.
  NnStep count(NnCall& call);
  NnStep begin(NnCall& call, Mode mode);
  // Reads what the model has said; pending when that was nothing new and more will come.
  NnStep hear(NnCall& call);
  NnStep embed(NnCall& call);

  std::uint32_t context_tokens() const;
  NnStep end_of(const inference::Finished& finished) const;
  NnStep failed(const Error& error) const;
  void clear();

  const std::shared_ptr<inference::Model> model_;
  NnOptions options_;
  GuestInstance& guest_;
  Lane& counting_;

  std::string prompt_;
  NnHeld held_;                                 // the prompt
  std::optional<std::uint32_t> prompt_tokens_;  // once counted
  std::shared_ptr<Later<Result<std::uint32_t>>> counting_now_;

  std::unique_ptr<Answer> answer_;
  struct Vectors;
  std::shared_ptr<Vectors> vectors_;

  std::string text_;   // of the answer, as far as the guest asked for it
  std::string piece_;  // the last one
  std::uint32_t output_tokens_ = 0;
};

}  // namespace quern::guestapi
