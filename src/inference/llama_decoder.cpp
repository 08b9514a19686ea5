#include "inference/llama_decoder.hpp"

#include "base/log.hpp"
#include "inference/backends.hpp"

#include <llama.h>

#include <algorithm>
#include <vector>

namespace quern::inference {
namespace {

// Prefixes that the cache may keep in cells, beside the sequences that run. llama.cpp sets a row of
// logits aside for every sequence, so this many are address space of 4 bytes * vocabulary each.
constexpr std::uint32_t kCachedSequences = 48;
constexpr std::uint32_t kMaxSequences = 256;  // llama.cpp's own bound, LLAMA_MAX_SEQ
// Tokens in one step. Larger steps are not faster on a CPU and answer later to a cancellation.
constexpr std::uint32_t kBatch = 512;

// A recurrent state cannot be cut at a position, nor shared by two that go on differently.
bool can_share(const llama_model* model) {
  return !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model);
}

}  // namespace

struct LlamaDecoder::Arrays {
  std::vector<llama_token> tokens;
  std::vector<llama_pos> positions;
  std::vector<std::int32_t> counts;
  std::vector<llama_seq_id> sequences;
  std::vector<llama_seq_id*> sequence_pointers;
  std::vector<std::int8_t> outputs;
};

Result<std::unique_ptr<LlamaDecoder>> LlamaDecoder::create(std::shared_ptr<const Weights> weights,
                                                           const ContextOptions& options) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = options.cells;
  params.n_batch = kBatch;
  params.n_ubatch = kBatch;
  params.n_seq_max = can_share(weights->model())
                         ? std::min(options.max_running + kCachedSequences, kMaxSequences)
                         : options.max_running;
  params.n_outputs_max = params.n_seq_max;  // fewer than sequences is an abort
  params.n_threads = static_cast<std::int32_t>(options.threads);
  params.n_threads_batch = params.n_threads;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.no_perf = true;
  params.kv_unified = true;
  params.swa_full = true;  // else a prefix shorter than what followed it could not be used again
  (void)take_last_complaint();
  llama_context* context = nullptr;
  try {
    context = llama_init_from_model(weights->model(), params);
  } catch (const std::exception& error) {
    return fail(ErrorKind::resource_exhausted, std::string("no context: ") + error.what());
  }
  if (context == nullptr) {
    return fail(ErrorKind::resource_exhausted, "no context of " + std::to_string(options.cells) +
                                                   " tokens: " + take_last_complaint());
  }
  std::unique_ptr<LlamaDecoder> decoder(
      new LlamaDecoder(std::move(weights), context, options.threads));
  TRY(decoder->weights_->apply_adapters(context));
  if (llama_get_memory(context) == nullptr) {
    return fail(ErrorKind::unsupported, "the model cannot continue a text");
  }
  decoder->threads_.keep_for(context);
  return decoder;
}

LlamaDecoder::LlamaDecoder(std::shared_ptr<const Weights> weights, llama_context* context,
                           std::uint32_t threads)
    : threads_(threads),
      weights_(std::move(weights)),
      context_(context),
      arrays_(std::make_unique<Arrays>()) {
  const llama_model* const model = weights_->model();
  shape_.shares = can_share(model);
  shape_.cells = llama_n_ctx(context);
  shape_.sequences = llama_n_seq_max(context);
  shape_.batch = kBatch;
  shape_.window = static_cast<std::uint32_t>(std::max(0, llama_model_n_swa(model)));
}

LlamaDecoder::~LlamaDecoder() { llama_free(context_); }

Decoded LlamaDecoder::decode(std::span<const BatchToken> batch) {
  Arrays& a = *arrays_;
  const std::size_t count = batch.size();
  a.tokens.resize(count);
  a.positions.resize(count);
  a.counts.assign(count, 1);
  a.sequences.resize(count);
  a.sequence_pointers.resize(count);
  a.outputs.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    a.tokens[i] = batch[i].token;
    a.positions[i] = static_cast<llama_pos>(batch[i].position);
    a.sequences[i] = batch[i].sequence;
    a.sequence_pointers[i] = &a.sequences[i];
    a.outputs[i] = batch[i].wants_logits ? 1 : 0;
  }
  const llama_batch whole{.n_tokens = static_cast<std::int32_t>(count),
                          .token = a.tokens.data(),
                          .embd = nullptr,
                          .pos = a.positions.data(),
                          .n_seq_id = a.counts.data(),
                          .seq_id = a.sequence_pointers.data(),
                          .logits = a.outputs.data()};
  std::int32_t outcome = -1;
  try {
    outcome = threads_.decode(context_, whole);
  } catch (const std::exception& error) {
    log::error("inference", std::string("llama_decode: ") + error.what());
  }
  if (outcome == 0) return Decoded::done;
  if (outcome == 1) return Decoded::no_room;
  log::error("inference",
             "llama_decode answered " + std::to_string(outcome) + ": " + take_last_complaint());
  return Decoded::failed;
}

std::span<const float> LlamaDecoder::logits(std::size_t index) {
  const float* const values = llama_get_logits_ith(context_, static_cast<std::int32_t>(index));
  CHECK(values != nullptr, "logits of a token that did not ask for them");
  return {values, weights_->size()};
}

void LlamaDecoder::share(Sequence from, Sequence to, Span span) {
  llama_memory_seq_cp(llama_get_memory(context_), from, to, static_cast<llama_pos>(span.begin),
                      static_cast<llama_pos>(span.end));
}

void LlamaDecoder::drop(Sequence sequence, Span span) {
  // A recurrent state goes as a whole (span from 0 to the end of the world).
  const bool all = span.begin == 0 && span.end >= shape_.cells;
  llama_memory_seq_rm(llama_get_memory(context_), sequence,
                      all ? -1 : static_cast<llama_pos>(span.begin),
                      all ? -1 : static_cast<llama_pos>(span.end));
}

std::uint32_t LlamaDecoder::whole_from(Sequence sequence) const {
  const llama_pos first = llama_memory_seq_pos_min(llama_get_memory(context_), sequence);
  return first < 0 ? 0 : static_cast<std::uint32_t>(first);
}

Buffer LlamaDecoder::save(Sequence sequence) {
  if (!shape_.shares) return {};
  try {
    Buffer bytes(llama_state_seq_get_size(context_, sequence));
    const std::size_t written = llama_state_seq_get_data(
        context_, reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size(), sequence);
    if (written != bytes.size()) return {};
    return bytes;
  } catch (const std::exception&) {  // no memory for it: then it is computed again one day
    return {};
  }
}

bool LlamaDecoder::restore(Sequence sequence, ByteView cells) {
  const std::size_t read = llama_state_seq_set_data(
      context_, reinterpret_cast<const std::uint8_t*>(cells.data()), cells.size(), sequence);
  if (read != 0) return true;
  llama_memory_seq_rm(llama_get_memory(context_), sequence, -1, -1);
  return false;
}

}  // namespace quern::inference
