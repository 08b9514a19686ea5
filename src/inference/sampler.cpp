#include "inference/sampler.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace quern::inference {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();
constexpr float kForbiddingBias = -100;  // as in OpenAI's API
// With top-k off the candidates are selected in growing heaps of the likeliest.
constexpr std::size_t kFirstHeap = 256;

}  // namespace

Result<SamplerOptions> resolve(const Sampling& request, const SamplerOptions& defaults,
                               std::uint32_t vocabulary) {
  Sampling whole = request;
  const auto fill = [](auto& value, auto standard) { value = value.value_or(standard); };
  fill(whole.temperature, defaults.temperature);
  fill(whole.top_k, defaults.top_k);
  fill(whole.top_p, defaults.top_p);
  fill(whole.min_p, defaults.min_p);
  fill(whole.repeat_penalty, defaults.repeat_penalty);
  fill(whole.repeat_last_n, defaults.repeat_last_n);
  fill(whole.presence_penalty, defaults.presence_penalty);
  fill(whole.frequency_penalty, defaults.frequency_penalty);
  TRY(check_sampling(whole, vocabulary));
  SamplerOptions options{.temperature = *whole.temperature,
                         .top_k = *whole.top_k,
                         .top_p = *whole.top_p,
                         .min_p = *whole.min_p,
                         .repeat_penalty = *whole.repeat_penalty,
                         .repeat_last_n = *whole.repeat_last_n,
                         .presence_penalty = *whole.presence_penalty,
                         .frequency_penalty = *whole.frequency_penalty,
                         .seed = whole.seed ? *whole.seed : std::random_device()(),
                         .logit_bias = {}};
  for (const auto& [token, bias] : whole.logit_bias) {
    options.logit_bias.emplace_back(static_cast<Token>(token), bias);
  }
  return options;
}

Sampler::Sampler(SamplerOptions options) : options_(std::move(options)), random_(options_.seed) {}

Result<Token> Sampler::draw(std::span<const float> logits, Constraint* constraint) {
  std::span<const float> view = logits;
  if (adjusts()) {
    adjusted_.assign(logits.begin(), logits.end());
    adjust(adjusted_);
    view = adjusted_;
  }
  const Token token = draw_from(view);
  if (constraint == nullptr || TRY(constraint->allows(token))) return token;
  if (!adjusts()) adjusted_.assign(logits.begin(), logits.end());
  TRY(constraint->mask(adjusted_));
  const Token fitting = draw_from(adjusted_);
  if (adjusted_[static_cast<std::size_t>(fitting)] == kForbidden) {
    return fail(ErrorKind::invalid_argument, "the grammar lets nothing be said here");
  }
  return fitting;
}

void Sampler::remember(Token token) {
  if (options_.repeat_last_n == 0) return;
  if (recent_.size() < options_.repeat_last_n) {
    recent_.push_back(token);
  } else {
    const auto oldest = counts_.find(recent_[recent_at_]);
    if (--oldest->second == 0) counts_.erase(oldest);
    recent_[recent_at_] = token;
    recent_at_ = (recent_at_ + 1) % recent_.size();
  }
  ++counts_[token];
}

bool Sampler::adjusts() const {
  return !options_.logit_bias.empty() || options_.repeat_penalty != 1 ||
         options_.presence_penalty != 0 || options_.frequency_penalty != 0;
}

void Sampler::adjust(std::span<float> logits) const {
  for (const auto& [token, bias] : options_.logit_bias) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = bias <= kForbiddingBias ? kForbidden : logit + bias;
  }
  for (const auto& [token, count] : counts_) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / options_.repeat_penalty : logit * options_.repeat_penalty;
    logit -= static_cast<float>(count) * options_.frequency_penalty + options_.presence_penalty;
  }
}

Token Sampler::draw_from(std::span<const float> logits) {
  if (options_.temperature <= 0 || options_.top_k == 1) return greatest(logits);
  if (options_.top_k == 0 && options_.top_p >= 1 && options_.min_p <= 0) return pick_any(logits);
  const std::size_t count = cut_off(logits);
  return pick(std::span(candidates_).first(count));
}

// Fills candidates_ with the likeliest tokens and returns how many of them top-k, top-p and min-p
// leave in the game.
std::size_t Sampler::cut_off(std::span<const float> logits) {
  const std::size_t most =
      options_.top_k == 0 ? logits.size() : std::min<std::size_t>(options_.top_k, logits.size());
  const bool all = options_.top_k == 0;
  const float best = logits[static_cast<std::size_t>(greatest(logits))];
  double whole = 0;  // of exp(logit - best) over the top-k
  if (all && options_.top_p < 1) {
    for (const float logit : logits) whole += std::exp(logit - best);
  }
  const float least = options_.min_p > 0 ? best + std::log(options_.min_p) : kForbidden;
  for (std::size_t heap = all ? std::min(kFirstHeap, most) : most;;
       heap = std::min(heap * 8, most)) {
    select(logits, heap);
    if (!all) {
      whole = 0;
      for (const Candidate& candidate : candidates_) whole += std::exp(candidate.logit - best);
    }
    double mass = 0;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      if (i > 0 && candidates_[i].logit < least) return i;
      mass += std::exp(candidates_[i].logit - best);
      if (options_.top_p < 1 && mass >= whole * options_.top_p) return i + 1;
    }
    if (heap == most || candidates_.size() < heap) return candidates_.size();
  }
}

// The `count` greatest logits, best first. One pass: what cannot be among them is never stored.
void Sampler::select(std::span<const float> logits, std::size_t count) {
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
  };
  const auto keep_best = [&] {
    if (candidates_.size() <= count) return;
    const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(count);
    std::nth_element(candidates_.begin(), end - 1, candidates_.end(), better);
    candidates_.erase(end, candidates_.end());
  };
  candidates_.clear();
  float least = kForbidden;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > least)) continue;
    candidates_.push_back({static_cast<Token>(i), logits[i]});
    if (candidates_.size() < 2 * count + 64) continue;
    keep_best();
    least = candidates_[count - 1].logit;
  }
  keep_best();
  std::sort(candidates_.begin(), candidates_.end(), better);
  if (candidates_.empty()) candidates_.push_back({greatest(logits), kForbidden});
}

// From the whole vocabulary, without sorting it.
Token Sampler::pick_any(std::span<const float> logits) {
  candidates_.clear();
  candidates_.push_back({greatest(logits), 0});
  candidates_.front().logit = logits[static_cast<std::size_t>(candidates_.front().token)];
  const Token best = candidates_.front().token;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (static_cast<Token>(i) != best) candidates_.push_back({static_cast<Token>(i), logits[i]});
  }
  return pick(candidates_);
}

Token Sampler::pick(std::span<const Candidate> from) {
  const double best = from.front().logit;
  double whole = 0;
  for (const Candidate& candidate : from) {
    whole += std::exp((candidate.logit - best) / options_.temperature);
  }
  // 32 bits of the generator as a fraction; std::uniform_real_distribution differs by library.
  double left = whole * (static_cast<double>(random_()) / 4294967296.0);
  for (const Candidate& candidate : from) {
    left -= std::exp((candidate.logit - best) / options_.temperature);
    if (left < 0) return candidate.token;
  }
  return from.front().token;
}

TokenLogprobs log_probabilities(std::span<const float> logits, Token chosen, std::uint32_t top) {
  const float best = logits[static_cast<std::size_t>(greatest(logits))];
  double whole = 0;
  for (const float logit : logits) whole += std::exp(logit - best);
  const float shift = best + static_cast<float>(std::log(whole));
  TokenLogprobs result;
  result.chosen = {
      .token = chosen, .bytes = {}, .logprob = logits[static_cast<std::size_t>(chosen)] - shift};
  std::vector<Token> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Token>(i);
  const auto end =
      order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(top, order.size()));
  std::partial_sort(order.begin(), end, order.end(), [&](Token a, Token b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  for (auto token = order.begin(); token != end; ++token) {
    result.top.push_back({.token = *token,
                          .bytes = {},
                          .logprob = logits[static_cast<std::size_t>(*token)] - shift});
  }
  return result;
}

// Sixteen running maxima, which compilers turn into vector instructions; then the first place
// where the greatest of them stands.
Token greatest(std::span<const float> logits) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> lanes;
  lanes.fill(kForbidden);
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = logits[i + lane];
      lanes[lane] = value > lanes[lane] ? value : lanes[lane];
    }
  }
  float best = *std::max_element(lanes.begin(), lanes.end());
  for (; i < logits.size(); ++i) best = logits[i] > best ? logits[i] : best;
  const auto at = std::find(logits.begin(), logits.end(), best);
  return at == logits.end() ? 0 : static_cast<Token>(at - logits.begin());
}

}  // namespace quern::inference
