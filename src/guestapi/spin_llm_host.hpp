// `fermyon:spin/llm@2.0.0`: what components made with Spin's SDKs ask of a model. One call, one
// whole answer; the prompt is raw text, no chat template is laid around it.
//
// The models are those of the grant `models`; "default" is the first of them. A waiting guest holds
// no thread, and its answer is made in the batch that everybody shares.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/model_work.hpp"
#include "wasm/host.hpp"

#include <memory>

namespace quern::guestapi {

class SpinLlmHost {
 public:
  // `work` must outlive *this, and *this every program linked with its interface.
  explicit SpinLlmHost(ModelWork& work) : work_(work) {}

  wasm::HostInterface interface();

 private:
  using Call = std::shared_ptr<wasm::HostCall>;
  using Method = Result<> (SpinLlmHost::*)(GuestInstance&, const Call&);

  wasm::HostFunction function(Method method);
  // Opens the granted model of this name and goes on with it; errors are answered.
  Result<> with_model(GuestInstance& guest, const Call& call, std::string_view name,
                      std::function<Result<>(const std::shared_ptr<inference::Model>&)> go_on);

  // Each answers the call itself, or returns the error to be answered.
  Result<> infer(GuestInstance& guest, const Call& call);
  Result<> generate_embeddings(GuestInstance& guest, const Call& call);

  ModelWork& work_;
};

}  // namespace quern::guestapi
