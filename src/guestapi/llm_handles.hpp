// The two resources of quern:llm as an instance's handles, and a call that waits for vectors.
#pragma once

#include "guestapi/account.hpp"
#include "guestapi/handle_table.hpp"
#include "inference/inference.hpp"
#include "wasm/host.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace quern::guestapi {

struct LlmModel final : Handle {
  LlmModel(std::shared_ptr<inference::Model> opened, std::string granted_name)
      : model(std::move(opened)), name(std::move(granted_name)) {}
  const std::shared_ptr<inference::Model> model;
  const std::string name;
};

// An answer on its way to one guest.
//
// A call that waits is kept here, not in the wake that the model holds: a call holds its instance,
// the instance holds this handle, so ended() must find the call to break the circle. Wakes hold a
// weak pointer and the number of the wait they belong to; a late one finds another number and does
// nothing.
class LlmGeneration final : public Handle, public std::enable_shared_from_this<LlmGeneration> {
 public:
  // `reserved`: what account.reserve set aside, settled when the answer is over or dropped.
  LlmGeneration(std::unique_ptr<inference::Generation> generation, std::shared_ptr<Account> account,
                std::uint64_t reserved);
  ~LlmGeneration() override;
  void ended() override;

  // Answer `call` as the contract says.
  void read(std::shared_ptr<wasm::HostCall> call);
  void blocking_read(std::shared_ptr<wasm::HostCall> call);
  // What the guest's pollables stand for: `fresh`, or the one that an earlier call brought.
  std::shared_ptr<wasm::Waitable> subscribe(std::shared_ptr<wasm::Waitable> fresh);
  void cancel() { generation_->cancel(); }

 private:
  using Events = Result<std::vector<inference::Event>>;

  Events take();
  void settle();
  // Asks the model to call woken() when there is something to read; maybe at once.
  void wait();
  void woken(std::uint64_t wait);
  // Parks `call` until there is something.
  void park(std::shared_ptr<wasm::HostCall> call);
  void answer(wasm::HostCall& call, const Events& events);

  const std::unique_ptr<inference::Generation> generation_;
  const std::shared_ptr<Account> account_;
  const std::uint64_t reserved_;

  std::mutex mutex_;  // of what follows; never held while calling out
  std::shared_ptr<wasm::HostCall> waiting_;
  std::shared_ptr<wasm::Waitable> readable_;  // null until the guest subscribes
  std::uint64_t wait_ = 0;
  bool over_ = false;  // finished, or failed
  bool ended_ = false;
  bool settled_ = false;
};

// Vectors on their way to a call that waits for them. In the instance's table like a resource,
// though the guest knows no number for it, so that the instance's end cancels it.
class LlmEmbedding final : public Handle, public std::enable_shared_from_this<LlmEmbedding> {
 public:
  LlmEmbedding(std::shared_ptr<wasm::HostCall> call, std::shared_ptr<Account> account,
               std::uint64_t reserved)
      : call_(std::move(call)), account_(std::move(account)), reserved_(reserved) {}
  void ended() override { end(); }

  // `answer` is called with the call when the vectors, or an error, are there; not after ended().
  using Answer = std::function<void(wasm::HostCall&, const Result<inference::Embeddings>&)>;
  void begin(inference::Model& model, std::vector<std::string> texts, inference::Caller caller,
             Answer answer);

 private:
  void done(const Result<inference::Embeddings>& result, const Answer& answer);
  // Cancels what is left; the call, where nobody has taken it yet.
  std::shared_ptr<wasm::HostCall> end();
  void settle(const inference::Usage& usage);

  std::mutex mutex_;  // of what follows; never held while calling out
  std::shared_ptr<wasm::HostCall> call_;
  std::unique_ptr<inference::Embedding> running_;
  bool over_ = false;
  bool settled_ = false;

  const std::shared_ptr<Account> account_;
  const std::uint64_t reserved_;
};

}  // namespace quern::guestapi
