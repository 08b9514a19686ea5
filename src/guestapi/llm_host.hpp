// The functions of quern:llm@0.1.0 that guests import (wit/quern-llm/llm.wit).
//
// Each reads its arguments, checks grant and handle, and answers: at once, or when the model has
// something to say. None of them blocks: what may take long goes through ModelWork.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/model_work.hpp"
#include "wasm/host.hpp"

#include <vector>

namespace quern::guestapi {

class LlmHost {
 public:
  // `work` must outlive *this, and *this every program linked with its interfaces.
  explicit LlmHost(ModelWork& work) : work_(work) {}

  std::vector<wasm::HostInterface> interfaces();

 private:
  using Call = std::shared_ptr<wasm::HostCall>;
  using Method = Result<> (LlmHost::*)(GuestInstance&, const Call&);

  wasm::HostFunction function(Method method);
  // Runs `job`, on a lane when `text_bytes` is so much that a worker would be held up. The error
  // that it returns is the call's answer.
  Result<> count(const Call& call, std::uint64_t text_bytes, std::function<Result<>()> job);

  // Each answers the call itself, or returns the error to be answered.

  Result<> granted_models(GuestInstance& guest, const Call& call);
  Result<> open(GuestInstance& guest, const Call& call);
  Result<> info(GuestInstance& guest, const Call& call);
  Result<> chat(GuestInstance& guest, const Call& call);
  Result<> complete(GuestInstance& guest, const Call& call);
  Result<> embed(GuestInstance& guest, const Call& call);
  Result<> tokenize(GuestInstance& guest, const Call& call);
  Result<> detokenize(GuestInstance& guest, const Call& call);
  Result<> count_tokens(GuestInstance& guest, const Call& call);
  Result<> read(GuestInstance& guest, const Call& call);
  Result<> blocking_read(GuestInstance& guest, const Call& call);
  Result<> subscribe(GuestInstance& guest, const Call& call);
  Result<> cancel(GuestInstance& guest, const Call& call);

  ModelWork& work_;
};

}  // namespace quern::guestapi
