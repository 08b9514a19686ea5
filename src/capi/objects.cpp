#include "capi/objects.hpp"

#include <utility>

namespace quern::capi {
namespace {

using inference::FinishReason;

std::int32_t reason_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop: return QUERN_STOP;
    case FinishReason::length: return QUERN_LENGTH;
    case FinishReason::tool_calls: return QUERN_TOOL_CALLS;
  }
  return QUERN_STOP;
}

// Fills a quern_event with views of an event; log probabilities are never asked for here.
struct View {
  quern_event& seen;

  void operator()(const inference::Content& content) const { text(QUERN_CONTENT, content.text); }
  void operator()(const inference::Reasoning& thought) const {
    text(QUERN_REASONING, thought.text);
  }
  void operator()(const inference::ToolCallDelta& call) const {
    text(QUERN_TOOL_CALL, call.arguments);
    seen.index = call.index;
    if (call.id) seen.id = call.id->c_str();
    if (call.name) seen.name = call.name->c_str();
  }
  void operator()(const std::vector<inference::TokenLogprobs>& /*unused*/) const {
    text(QUERN_CONTENT, {});
  }
  void operator()(const inference::Finished& finished) const {
    seen.kind = QUERN_FINISHED;
    seen.reason = reason_of(finished.reason);
    seen.prompt_tokens = finished.usage.prompt_tokens;
    seen.cached_tokens = finished.usage.cached_tokens;
    seen.completion_tokens = finished.usage.completion_tokens;
    seen.queue_ms = finished.timings.queue_ms;
    seen.prefill_ms = finished.timings.prefill_ms;
    seen.decode_ms = finished.timings.decode_ms;
  }
  void text(std::int32_t kind, std::string_view said) const {
    seen.kind = kind;
    seen.text = said.data();
    seen.text_size = said.size();
  }
};

}  // namespace

AnswerObject::AnswerObject(std::shared_ptr<inference::Model> model,
                           std::unique_ptr<inference::Generation> generation,
                           std::shared_ptr<Bell> bell)
    : Pending(std::move(bell)), model_(std::move(model)), generation_(std::move(generation)) {
  arm();
}

void AnswerObject::arm() {
  generation_->on_ready([bell = bell_] { bell->ring(); });
}

AnswerObject::Step AnswerObject::next() {
  const std::lock_guard lock(mutex_);
  Step step;
  if (generation_ == nullptr) {
    step.error.emplace(ErrorKind::cancelled, "the answer was closed");
    return step;
  }
  if (position_ == events_.size()) {
    auto events = generation_->read();
    if (!events.ok()) {
      step.context_full = generation_->context_full().has_value() &&
                          events.error().kind() == ErrorKind::resource_exhausted;
      step.error = std::move(events).error();
      return step;
    }
    events_ = *std::move(events);
    position_ = 0;
    if (events_.empty()) {
      // Silenced before it is armed: a wake between the two would be lost.
      bell_->silence();
      arm();
      return step;
    }
  }
  std::visit(View{step.event}, events_[position_++]);
  return step;
}

Result<> AnswerObject::cancel() {
  const std::lock_guard lock(mutex_);
  if (generation_ != nullptr) generation_->cancel();
  return {};
}

void AnswerObject::close() {
  std::unique_ptr<inference::Generation> gone;
  {
    const std::lock_guard lock(mutex_);
    gone = std::move(generation_);
  }
  gone = nullptr;
  bell_->ring();
}

EmbeddingObject::EmbeddingObject(std::shared_ptr<inference::Model> model,
                                 std::vector<std::string> texts, std::shared_ptr<Bell> bell)
    : Pending(std::move(bell)),
      model_(std::move(model)),
      arrival_(std::make_shared<Guarded<Arrival>>()) {
  auto embedding =
      model_->embed(std::move(texts), {.tenant = kTenant},
                    [arrival = arrival_, rung = bell_](Result<inference::Embeddings> result) {
                      arrival->with([&](Arrival& here) { here.result.emplace(std::move(result)); });
                      rung->ring();
                    });
  *embedding_.lock() = std::move(embedding);
}

Result<std::optional<inference::Embeddings>> EmbeddingObject::take() {
  auto here = arrival_->lock();
  if (here->taken) return fail(ErrorKind::cancelled, "the embedding was taken already");
  if (!here->result) return std::optional<inference::Embeddings>();
  here->taken = true;
  Result<inference::Embeddings> result = std::move(*here->result);
  return std::optional(TRY(std::move(result)));
}

void EmbeddingObject::close() {
  auto gone = embedding_.with(
      [](std::unique_ptr<inference::Embedding>& held) { return std::exchange(held, nullptr); });
  gone = nullptr;
  bell_->ring();
}

}  // namespace quern::capi
