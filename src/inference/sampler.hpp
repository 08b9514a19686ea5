// Draws one token from logits.
//
// Order as in llama.cpp: logit bias, penalties, top-k, top-p, min-p, temperature. No step looks at
// the whole vocabulary twice: greedy is one pass for the maximum, and the others first select the
// few candidates that can win. A grammar is asked about the drawn token only; the whole vocabulary
// is masked when that one does not fit.
#pragma once

#include "inference/constraint.hpp"
#include "inference/inference.hpp"

#include <cstdint>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

namespace quern::inference {

// Sampling with nothing left open.
struct SamplerOptions {
  float temperature = 0.8F;  // 0: greedy
  std::uint32_t top_k = 40;  // 0: all
  float top_p = 0.95F;       // 1: off
  float min_p = 0.05F;       // 0: off
  float repeat_penalty = 1;  // 1: off
  std::uint32_t repeat_last_n = 64;
  float presence_penalty = 0;
  float frequency_penalty = 0;
  std::uint32_t seed = 0;
  std::vector<std::pair<Token, float>> logit_bias;
};

// The request over the defaults, checked: see check_sampling().
Result<SamplerOptions> resolve(const Sampling& request, const SamplerOptions& defaults,
                               std::uint32_t vocabulary);

class Sampler {
 public:
  explicit Sampler(SamplerOptions options);

  // `constraint` may be null. Fails (invalid_argument) when nothing may be said.
  Result<Token> draw(std::span<const float> logits, Constraint* constraint);
  // A token of the prompt, or one that was drawn: the penalties look back at them.
  void remember(Token token);

 private:
  struct Candidate {
    Token token;
    float logit;
  };
  bool adjusts() const;
  void adjust(std::span<float> logits) const;
  Token draw_from(std::span<const float> logits);
  void select(std::span<const float> logits, std::size_t count);
  std::size_t cut_off(std::span<const float> logits);
  Token pick_any(std::span<const float> logits);
  Token pick(std::span<const Candidate> from);

  const SamplerOptions options_;
  std::mt19937 random_;
  std::vector<Token> recent_;  // a ring of the last repeat_last_n
  std::size_t recent_at_ = 0;
  std::unordered_map<Token, std::uint32_t> counts_;  // of recent_
  std::vector<float> adjusted_;
  std::vector<Candidate> candidates_;  // best first
};

// The chosen token's log probability under the model's own distribution, and its `top` likeliest
// alternatives without their bytes.
TokenLogprobs log_probabilities(std::span<const float> logits, Token chosen, std::uint32_t top);

// The index of the greatest value; 0 of nothing.
Token greatest(std::span<const float> logits);

}  // namespace quern::inference
