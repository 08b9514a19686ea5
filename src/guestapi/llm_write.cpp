#include "guestapi/llm_write.hpp"

#include <optional>
#include <string>

namespace quern::guestapi {

using namespace inference;  // NOLINT(google-build-using-namespace): this file is the mapping

namespace {

using Out = wasm::ValueWriter;

void write_optional(Out& out, const std::optional<std::string>& text) {
  out.present(text.has_value());
  if (text) out.text(*text);
}

void write_probability(Out& out, const TokenProbability& token) {
  out.u32(static_cast<std::uint32_t>(token.token)).bytes(as_bytes(token.bytes)).f32(token.logprob);
}

// One overload per case of the contract's `event`, in its order.
void write_event(Out& out, const Content& content) { out.discriminant(0).text(content.text); }
void write_event(Out& out, const Reasoning& text) { out.discriminant(1).text(text.text); }
void write_event(Out& out, const ToolCallDelta& delta) {
  out.discriminant(2).u32(delta.index);
  write_optional(out, delta.id);
  write_optional(out, delta.name);
  out.text(delta.arguments);
}
void write_event(Out& out, const std::vector<TokenLogprobs>& tokens) {
  out.discriminant(3).count(tokens.size());
  for (const TokenLogprobs& token : tokens) {
    write_probability(out, token.chosen);
    out.count(token.top.size());
    for (const TokenProbability& other : token.top) write_probability(out, other);
  }
}
void write_event(Out& out, const Finished& finished) {
  out.discriminant(4).discriminant(static_cast<std::uint32_t>(finished.reason));
  const Usage& usage = finished.usage;
  out.u32(usage.prompt_tokens).u32(usage.cached_tokens).u32(usage.completion_tokens);
  const Timings& timings = finished.timings;
  out.f64(timings.queue_ms).f64(timings.prefill_ms).f64(timings.decode_ms);
}

}  // namespace

static_assert(static_cast<int>(FinishReason::stop) == 0 &&
              static_cast<int>(FinishReason::length) == 1 &&
              static_cast<int>(FinishReason::tool_calls) == 2);

void write_events(Out& out, const std::vector<Event>& events) {
  out.count(events.size());
  for (const Event& event : events) {
    std::visit([&](const auto& held) { write_event(out, held); }, event);
  }
}

void write_model_info(Out& out, const ModelInfo& info, std::string_view name) {
  out.text(name).text(info.architecture).u64(info.parameters).u64(info.size.count);
  out.u32(info.context_tokens).u32(info.embedding_length).u32(info.vocabulary).boolean(info.chat);
  out.present(!info.digest.empty());
  if (!info.digest.empty()) out.text(info.digest);
  out.u64(info.created);
}

void write_embeddings(Out& out, const Embeddings& embeddings) {
  out.count(embeddings.vectors.size());
  for (const std::vector<float>& vector : embeddings.vectors) {
    out.count(vector.size());
    for (const float value : vector) out.f32(value);
  }
  out.u32(embeddings.prompt_tokens);
}

}  // namespace quern::guestapi
