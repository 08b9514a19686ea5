#include "inference/embedder.hpp"

#include "inference/backends.hpp"

#include <llama.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quern::inference {
namespace {

// Pooling needs a whole text in one step, and memory grows with the step.
constexpr std::uint32_t kMostTokens = 2048;
constexpr std::uint32_t kMostTexts = 32;  // in one step
// Once a step has so many it takes no further text: others wait for its end.
constexpr std::size_t kEnoughTokens = 512;

std::vector<float> unit(std::span<const float> vector) {
  const double length =
      std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
  std::vector<float> result(vector.begin(), vector.end());
  if (length > 0) {
    for (float& value : result) value = static_cast<float>(value / length);
  }
  return result;
}

Failure too_long(const std::string& tokens, std::size_t most) {
  return fail(ErrorKind::resource_exhausted, "a text to embed has " + tokens + " tokens; " +
                                                 std::to_string(most) + " is the most");
}

}  // namespace

Result<std::unique_ptr<TextEmbedder>> Embedder::create(std::shared_ptr<const Weights> weights,
                                                       std::uint32_t context_tokens,
                                                       std::uint32_t threads) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = std::min(kMostTokens, context_tokens);
  params.n_batch = params.n_ctx;
  params.n_ubatch = params.n_ctx;
  params.n_seq_max = kMostTexts;
  params.n_threads = static_cast<std::int32_t>(threads);
  params.n_threads_batch = params.n_threads;
  params.embeddings = true;
  params.kv_unified = true;
  params.no_perf = true;
  const std::string arch = weights->metadata("general.architecture");
  if (weights->metadata((arch + ".pooling_type").c_str()).empty()) {
    params.pooling_type = LLAMA_POOLING_TYPE_MEAN;  // a model that was not made for it
  }
  llama_context* context = nullptr;
  try {
    context = llama_init_from_model(weights->model(), params);
  } catch (const std::exception& error) {
    return fail(ErrorKind::resource_exhausted, std::string("no context: ") + error.what());
  }
  if (context == nullptr) {
    return fail(ErrorKind::resource_exhausted, "no context to embed in: " + take_last_complaint());
  }
  std::unique_ptr<Embedder> embedder(new Embedder(std::move(weights), context, threads));
  TRY(embedder->weights_->apply_adapters(context));
  const auto pooling = llama_pooling_type(context);
  if (pooling == LLAMA_POOLING_TYPE_NONE || pooling == LLAMA_POOLING_TYPE_RANK) {
    return fail(ErrorKind::unsupported, "this model gives no embeddings");
  }
  return std::unique_ptr<TextEmbedder>(std::move(embedder));
}

Embedder::Embedder(std::shared_ptr<const Weights> weights, llama_context* context,
                   std::uint32_t threads)
    : threads_(threads), weights_(std::move(weights)), context_(context) {}

Embedder::~Embedder() { llama_free(context_); }

Result<> Embedder::embed_some(std::span<const std::string> texts, Embeddings& into) {
  const std::size_t enough = std::min<std::size_t>(kEnoughTokens, llama_n_batch(context_));
  std::vector<std::vector<Token>> batch;
  std::size_t batched = 0;
  for (const std::string& text : texts) {
    auto tokens = tokens_of(text);
    if (!tokens.ok() && batch.empty()) return fail(std::move(tokens).error());
    if (!tokens.ok() || (batched > 0 && batched + tokens->size() > enough)) break;
    batched += tokens->size();
    batch.push_back(*std::move(tokens));
    if (batch.size() == kMostTexts) break;
  }
  return run(batch, into);
}

Result<std::vector<Token>> Embedder::tokens_of(const std::string& text) const {
  const std::size_t most = llama_n_batch(context_);
  // So long a text needs no counting.
  const std::size_t least = text.size() / weights_->longest_token();
  if (least > most) return too_long("at least " + std::to_string(least), most);
  auto tokens = TRY(weights_->tokenize(text, Weights::Begin::add, false));
  if (tokens.empty()) return fail(ErrorKind::invalid_argument, "a text to embed is empty");
  if (tokens.size() > most) return too_long(std::to_string(tokens.size()), most);
  return tokens;
}

Result<> Embedder::run(std::span<const std::vector<Token>> texts, Embeddings& into) {
  if (auto* const memory = llama_get_memory(context_)) llama_memory_clear(memory, false);
  std::size_t tokens = 0;
  for (const auto& text : texts) tokens += text.size();
  llama_batch batch = llama_batch_init(static_cast<std::int32_t>(tokens), 0, 1);
  for (std::size_t sequence = 0; sequence < texts.size(); ++sequence) {
    for (std::size_t i = 0; i < texts[sequence].size(); ++i) {
      const std::int32_t at = batch.n_tokens++;
      batch.token[at] = texts[sequence][i];
      batch.pos[at] = static_cast<llama_pos>(i);
      batch.n_seq_id[at] = 1;
      batch.seq_id[at][0] = static_cast<llama_seq_id>(sequence);
      batch.logits[at] = 1;
    }
  }
  const std::int32_t outcome = threads_.decode(context_, batch);
  llama_batch_free(batch);
  if (outcome != 0) {
    return fail(ErrorKind::internal, "the engine could not embed: " + take_last_complaint());
  }
  const auto width = static_cast<std::size_t>(llama_model_n_embd_out(weights_->model()));
  for (std::size_t sequence = 0; sequence < texts.size(); ++sequence) {
    const float* const vector =
        llama_get_embeddings_seq(context_, static_cast<llama_seq_id>(sequence));
    if (vector == nullptr) return fail(ErrorKind::internal, "the engine gave no vector");
    into.vectors.push_back(unit({vector, width}));
  }
  into.prompt_tokens += static_cast<std::uint32_t>(tokens);
  return {};
}

}  // namespace quern::inference
