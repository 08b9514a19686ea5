// What the values of Sampling may be: the one table. check_sampling() goes by it, and so does the
// chat server, which refuses in OpenAI's words (guests/chat/sampling_request.cpp). Stands alone, as
// that one is built for WebAssembly. wit/quern-llm/llm.wit tells the same to everybody else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern::inference {

struct SamplingRange {
  double least;
  double most;
};

struct SamplingRanges {
  static constexpr SamplingRange temperature{0, 2};
  static constexpr SamplingRange top_p{0, 1};  // 0 itself is out: nothing could be said
  static constexpr SamplingRange min_p{0, 1};
  static constexpr SamplingRange repeat_penalty{0.01, 10};
  static constexpr SamplingRange repeat_last_n{0, 1U << 20U};
  static constexpr SamplingRange presence_penalty{-2, 2};
  static constexpr SamplingRange frequency_penalty{-2, 2};
  static constexpr SamplingRange logprobs{0, 20};
  static constexpr SamplingRange logit_bias{-100, 100};
  static constexpr SamplingRange max_tokens{1, 0x7FFF'FFFF};
  static constexpr std::size_t most_stops = 16;
  static constexpr std::size_t longest_stop = 1024;  // every one is searched for at every token
};

}  // namespace quern::inference
