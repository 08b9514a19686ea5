// Products of quantized weights with quantized activations on AVX-512 VNNI.
//
// For:     what decoding and reading a prompt spend their time in. Compiled into llama.cpp's CPU
// back-ends of
//          machines that have the instructions (deps/llama, hook.cpp), and into its own test. A
//          sum's order depends on its row alone, never on how many columns are computed beside it:
//          a sequence's numbers do not change with its company in a batch.
// Refuses: copies and rearranged weights: they stay as the file has them, which remains mapped and
// shared by
//          processes. Formats whose products the library computes well itself.
// Owns:    a thread's scratch, 256 bytes for each column of 128 values, four columns at once.
// Threads: any; rows are independent.
// Errors:  none; the caller sees to sizes.
//
// Formats: ggml's block_q4_1, block_q5_0, block_q8_0 (32 values, scales in half precision) and, for
// activations, block_q8_1 (beside q4_1) and block_q8_0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quern::kernels {

enum class Weights { q4_1, q5_0, q8_0 };

// out[column][row] = weights[row] . activations[column], over `blocks` blocks of 32 values.
struct Product {
  Weights format;
  const std::byte* weights;       // rows, each of `blocks` blocks of the format
  std::size_t weight_stride;      // bytes from row to row
  const std::byte* activations;   // columns, each of `blocks` blocks of q8_1 (beside q4_1) or q8_0
  std::size_t activation_stride;  // bytes from column to column
  float* out;                     // columns of rows
  std::size_t out_stride;         // floats from column to column
  std::size_t blocks;             // 1 or more
  std::size_t columns;            // 1 or more
};

// Rows are computed in groups: `first` and `end` are multiples of this.
inline constexpr std::size_t kRowGroup = 4;

// Whether this processor has what multiply_rows is made of (AVX-512 F, BW, VL, VBMI, VNNI, and
// F16C).
bool supported();

// Writes out[column][row] for the rows from `first` up to `end`. Reads no byte outside the rows and
// columns.
void multiply_rows(const Product& product, std::size_t first, std::size_t end);

}  // namespace quern::kernels
