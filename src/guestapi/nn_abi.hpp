// The numbers of the module `wasi_ephemeral_nn`, as programs compiled for WasmEdge use them.
#pragma once

#include <cstdint>

namespace quern::guestapi {

enum class NnStatus : std::uint32_t {
  success = 0,
  invalid_argument = 1,
  invalid_encoding = 2,
  missing_memory = 3,
  busy = 4,
  runtime_error = 5,
  unsupported_operation = 6,
  too_large = 7,
  not_found = 8,
  end_of_sequence = 100,
  context_full = 101,
  prompt_too_long = 102,
  model_not_found = 103,
};

// Those that components can name as well, and the last one there is.
enum class NnEncoding : std::uint32_t {
  openvino = 0,
  onnx = 1,
  tensorflow = 2,
  pytorch = 3,
  tensorflow_lite = 4,
  automatic = 5,
  ggml = 6,
  last = 14,
};

enum class NnTarget : std::uint32_t { cpu = 0, gpu = 1, tpu = 2, automatic = 3 };

enum class NnType : std::uint32_t { f16 = 0, f32 = 1, f64 = 2, u8 = 3, i32 = 4, i64 = 5 };

}  // namespace quern::guestapi
