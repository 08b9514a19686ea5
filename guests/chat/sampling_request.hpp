// The parameters that chat and text completions share: sampling, n, streaming, and those that
// are accepted without effect.
#pragma once

#include "inference/sampling_ranges.hpp"

#include "fields.hpp"
#include "llm.hpp"

#include <string>

namespace quern::chat {

// Answers to one request, started together.
inline constexpr std::int64_t kMaxChoices = 8;

struct StreamOptions {
  bool stream = false;
  bool include_usage = false;
};

Range range_of(const inference::SamplingRange& range);
IntRange int_range_of(const inference::SamplingRange& range);

// temperature, top_p, top_k, min_p, penalties, seed, stop, logit_bias, timeout_ms. Not max_tokens
// and logprobs: the endpoints spell those differently.
llm::Sampling read_sampling(Fields& fields);

StreamOptions read_stream_options(Fields& fields, FirstError& error);

std::uint32_t read_choices(Fields& fields);

// The model's name, or "default".
std::string read_model(Fields& fields);

// Parameters of OpenAI's API and of llama.cpp's server that change nothing here.
void ignore_bookkeeping(Fields& fields);

// The same sampling for the `index`-th answer to one request: a given seed moves on by one, so
// that answers differ and can be had again.
llm::Sampling for_choice(const llm::Sampling& sampling, std::size_t index);

}  // namespace quern::chat
