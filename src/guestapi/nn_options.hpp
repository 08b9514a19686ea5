// The options of a GGML graph: what guests of WASI-NN write as JSON, by WasmEdge's names.
#pragma once

#include "guestapi/nn_step.hpp"
#include "inference/inference.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quern::guestapi {

// Absent keys keep these values, which are the ones that guests count on.
struct NnOptions {
  bool stream_stdout = false;   // compute prints while it answers
  bool embedding = false;       // compute answers with a vector
  std::int64_t n_predict = -1;  // of compute; negative: until the model ends or the context is full
  std::int64_t ctx_size = 0;    // 0: the model's own
  std::int64_t batch_size = 2048;  // tokens that are embedded at most
  std::string reverse_prompt;
  double temp = 0.8;
  std::int64_t top_k = 40;
  double top_p = 0.95;
  double min_p = 0.05;
  double repeat_penalty = 1.0;
  double presence_penalty = 0.0;
  double frequency_penalty = 0.0;
  std::int64_t last_n_penalty = 64;
  std::int64_t seed = -1;  // what is no u32, or its highest value: another one each time
  std::string grammar;
  std::string json_schema;
  // Of what is not served here; refused when a guest asks for it.
  std::string mmproj;
  std::string image;
  bool tts = false;
};

// Takes over the keys that `json` has; others are left as they are, unknown ones ignored. Changes
// nothing unless it succeeds. invalid_encoding: no JSON object; invalid_argument: a value of the
// wrong type; too_large: over 64 KiB; unsupported_operation: images or speech.
NnStep merge_options(NnOptions& options, std::string_view json);

// Without max_tokens and stop.
inference::Sampling sampling_of(const NnOptions& options);
inference::ResponseFormat format_of(const NnOptions& options);

}  // namespace quern::guestapi
