#include "kernels/kernels.hpp"
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace quern::kernels {
namespace {

// Four blocks at once: of each block 16 bytes make a quarter of a register, in the order of the
// row. Lane l (32 bits) of a sum belongs to block l / 4.
constexpr std::size_t kGroup = 4;

// A group of one column, as the inner loop reads it. `low` holds the first 16 values of each block,
// `high` the others; both signed.
struct alignas(64) Column {
  std::int8_t low[64];
  std::int8_t high[64];
  float scale[16];  // the block's, for each of its lanes
  union {
    std::int32_t bias[16];  // q5_0, q8_0: what the weights' offset adds to the lane's sum, negated
    float sum[16];  // q4_1: scale times the block's sum, in the block's first lane; 0 in the others
  };
};

// Weights of a group of one row: unsigned bytes, and each lane's scale.
struct Row {
  __m512i low, high;
  __m512 scale;
  __m512 minimum;  // q4_1 only
};

template <Weights F>
struct Format;

inline __m512i nibbles() { return _mm512_set1_epi8(0x0f); }

// A permutation of 32 words out of two registers, made at compile time.
struct alignas(64) Words {
  std::int16_t at[32];
};
struct alignas(64) Dwords {
  std::int32_t at[16];
};

inline __m512i load(const void* table) { return _mm512_load_si512(table); }

template <>
struct Format<Weights::q4_1> {
  static constexpr std::size_t kWeightBytes = 20;      // scale, minimum, 16 bytes of nibbles
  static constexpr std::size_t kActivationBytes = 36;  // scale, scale * sum, 32 bytes
  static constexpr std::size_t kActivationValues = 4;
  static constexpr bool kMinimum = true;

  // Where the nibbles of a lane lie in 80 bytes, of which the second register holds those from 16
  // on.
  static constexpr Dwords kNibbles = [] {
    Dwords table{};
    for (int lane = 0; lane < 16; ++lane) {
      int at = lane / 4 * 5 + 1 + lane % 4;
      table.at[lane] = at < 16 ? at : 16 + at - 4;
    }
    return table;
  }();
  static constexpr Words kScales = [] {  // scales in the lower half, minima in the upper one
    Words table{};
    for (int lane = 0; lane < 16; ++lane) {
      table.at[lane] = static_cast<std::int16_t>(lane / 4 * 10);
      table.at[16 + lane] = static_cast<std::int16_t>(lane / 4 * 10 + 1);
    }
    return table;
  }();

  static Row decode(__m512i first, __m512i second) {
    __m512i packed = _mm512_permutex2var_epi32(first, load(&kNibbles), second);
    __m512i halves = _mm512_permutexvar_epi16(load(&kScales), first);
    return {.low = _mm512_and_si512(packed, nibbles()),
            .high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibbles()),
            .scale = _mm512_cvtph_ps(_mm512_castsi512_si256(halves)),
            .minimum = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(halves, 1))};
  }
  static Row whole(const std::byte* at) {
    return decode(_mm512_loadu_si512(at), _mm512_loadu_si512(at + 16));
  }
  static Row part(const std::byte* at, std::size_t blocks) {
    return decode(_mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << blocks * 5) - 1), at),
                  _mm512_setzero_si512());
  }
};

// Where a word of four blocks of q5_0 is found: 88 bytes, of which the second register holds those
// from 24 on.
constexpr std::int16_t word(int at) {
  return static_cast<std::int16_t>(at < 32 ? at : 32 + at - 12);
}

template <>
struct Format<Weights::q5_0> {
  static constexpr std::size_t kWeightBytes = 22;      // scale, 32 fifth bits, 16 bytes of nibbles
  static constexpr std::size_t kActivationBytes = 34;  // scale, 32 bytes
  static constexpr std::size_t kActivationValues = 2;
  static constexpr bool kMinimum = false;
  static constexpr int kOffset = 16;

  static constexpr Words kNibbles = [] {
    Words table{};
    for (int i = 0; i < 32; ++i) table.at[i] = word(i / 8 * 11 + 3 + i % 8);
    return table;
  }();
  static constexpr Words kScales =
      [] {  // scales, then the fifth bits: first those of low, then those of high
        Words table{};
        for (int lane = 0; lane < 16; ++lane) table.at[lane] = word(lane / 4 * 11);
        for (int block = 0; block < 4; ++block) {
          table.at[16 + block] = word(block * 11 + 1);
          table.at[20 + block] = word(block * 11 + 2);
        }
        return table;
      }();

  static Row decode(__m512i first, __m512i second) {
    __m512i packed = _mm512_permutex2var_epi16(first, load(&kNibbles), second);
    __m512i rest = _mm512_permutex2var_epi16(first, load(&kScales), second);
    __m128i fifths = _mm512_extracti32x4_epi32(rest, 2);
    __m512i sixteen = _mm512_set1_epi8(16);
    __m512i low = _mm512_and_si512(packed, nibbles());
    __m512i high = _mm512_and_si512(_mm512_srli_epi16(packed, 4), nibbles());
    return {.low = _mm512_mask_add_epi8(low, static_cast<__mmask64>(_mm_cvtsi128_si64(fifths)), low,
                                        sixteen),
            .high = _mm512_mask_add_epi8(high, static_cast<__mmask64>(_mm_extract_epi64(fifths, 1)),
                                         high, sixteen),
            .scale = _mm512_cvtph_ps(_mm512_castsi512_si256(rest)),
            .minimum = _mm512_setzero_ps()};
  }
  static Row whole(const std::byte* at) {
    return decode(_mm512_loadu_si512(at), _mm512_loadu_si512(at + 24));
  }
  static Row part(const std::byte* at, std::size_t blocks) {
    std::size_t words = blocks * 11;  // 11, 22 or 33
    __m512i first = _mm512_maskz_loadu_epi16(
        static_cast<__mmask32>((1ull << std::min<std::size_t>(words, 32)) - 1), at);
    __m512i second = words > 32 ? _mm512_maskz_loadu_epi16(
                                      static_cast<__mmask32>((1u << (words - 12)) - 1), at + 24)
                                : _mm512_setzero_si512();
    return decode(first, second);
  }
};

template <>
struct Format<Weights::q8_0> {
  static constexpr std::size_t kWeightBytes = 34;  // scale, 32 bytes
  static constexpr std::size_t kActivationBytes = 34;
  static constexpr std::size_t kActivationValues = 2;
  static constexpr bool kMinimum = false;
  static constexpr int kOffset = 128;

  template <std::size_t At>
  static __m512i quarters(const std::byte* at) {
    auto load128 = [&](std::size_t block) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + block * kWeightBytes + At));
    };
    __m512i all = _mm512_castsi128_si512(load128(0));
    all = _mm512_inserti32x4(all, load128(1), 1);
    all = _mm512_inserti32x4(all, load128(2), 2);
    all = _mm512_inserti32x4(all, load128(3), 3);
    return _mm512_xor_si512(
        all, _mm512_set1_epi8(static_cast<char>(0x80)));  // signed to unsigned: plus 128
  }
  static std::uint16_t half(const std::byte* at) {
    std::uint16_t bits;
    std::memcpy(&bits, at, sizeof bits);
    return bits;
  }
  static Row whole(const std::byte* at) {
    std::uint64_t halves = half(at) | std::uint64_t{half(at + 34)} << 16 |
                           std::uint64_t{half(at + 68)} << 32 | std::uint64_t{half(at + 102)} << 48;
    __m128 scales = _mm_cvtph_ps(_mm_cvtsi64_si128(static_cast<long long>(halves)));
    const __m512i each = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    return {.low = quarters<2>(at),
            .high = quarters<18>(at),
            .scale = _mm512_permutexvar_ps(each, _mm512_castps128_ps512(scales)),
            .minimum = _mm512_setzero_ps()};
  }
  static Row part(const std::byte* at, std::size_t blocks) {
    alignas(64) std::byte copy[kGroup * kWeightBytes] = {};
    std::memcpy(copy, at, blocks * kWeightBytes);
    return whole(copy);
  }
};

// Lays out one group of a column for the loop below; blocks that the row does not have are zeros.
template <Weights F>
void prepare(const std::byte* at, std::size_t blocks, Column& column) {
  using Form = Format<F>;
  std::memset(&column, 0, sizeof column);
  for (std::size_t block = 0; block < blocks; ++block, at += Form::kActivationBytes) {
    std::uint16_t halves[2];
    std::memcpy(halves, at, Form::kActivationValues);
    std::memcpy(column.low + 16 * block, at + Form::kActivationValues, 16);
    std::memcpy(column.high + 16 * block, at + Form::kActivationValues + 16, 16);
    std::fill_n(column.scale + 4 * block, 4, _cvtsh_ss(halves[0]));
    if constexpr (Form::kMinimum) column.sum[4 * block] = _cvtsh_ss(halves[1]);
  }
  if constexpr (!Form::kMinimum) {
    __m512i offset = _mm512_set1_epi8(static_cast<char>(Form::kOffset));
    __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), offset, load(column.low));
    sums = _mm512_dpbusd_epi32(sums, offset, load(column.high));
    _mm512_store_si512(column.bias, _mm512_sub_epi32(_mm512_setzero_si512(), sums));
  }
}

template <Weights F>
inline __m512 add_group(__m512 sum, const Row& row, const Column& column) {
  __m512i start = Format<F>::kMinimum ? _mm512_setzero_si512() : load(column.bias);
  __m512i whole = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(start, row.low, load(column.low)),
                                      row.high, load(column.high));
  sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole),
                        _mm512_mul_ps(row.scale, _mm512_load_ps(column.scale)), sum);
  if constexpr (Format<F>::kMinimum)
    sum = _mm512_fmadd_ps(row.minimum, _mm512_load_ps(column.sum), sum);
  return sum;
}

// The sums of four registers, each in its lane.
inline __m128 sums_of(__m512 a, __m512 b, __m512 c, __m512 d) {
  auto fold = [](__m512 x) {
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  };
  return _mm_hadd_ps(_mm_hadd_ps(fold(a), fold(b)), _mm_hadd_ps(fold(c), fold(d)));
}

// One row times `Columns` columns, whose groups lie side by side: group 0 of each, group 1 of each
// ... One row at a time, because memory is then read in order: with four at once the processor's
// prefetch lost its way.
template <Weights F, std::size_t Columns>
void multiply_row(const std::byte* row, std::size_t blocks, const Column* column,
                  __m512 (&sums)[Columns]) {
  std::fill_n(sums, Columns, _mm512_setzero_ps());
  std::size_t left = blocks;
  for (; left >= kGroup;
       left -= kGroup, row += kGroup * Format<F>::kWeightBytes, column += Columns) {
    Row weights = Format<F>::whole(row);
    for (std::size_t c = 0; c < Columns; ++c) sums[c] = add_group<F>(sums[c], weights, column[c]);
  }
  if (left == 0) return;
  Row weights = Format<F>::part(row, left);
  for (std::size_t c = 0; c < Columns; ++c) sums[c] = add_group<F>(sums[c], weights, column[c]);
}

// `Columns` columns from `column` on.
template <Weights F, std::size_t Columns>
void multiply_columns(const Product& p, std::size_t first, std::size_t end, std::size_t column,
                      std::vector<Column>& scratch) {
  const std::size_t groups = (p.blocks + kGroup - 1) / kGroup;
  if (scratch.size() < groups * Columns) scratch.resize(groups * Columns);
  for (std::size_t c = 0; c < Columns; ++c) {
    const std::byte* at = p.activations + (column + c) * p.activation_stride;
    for (std::size_t g = 0; g < groups; ++g) {
      prepare<F>(at + g * kGroup * Format<F>::kActivationBytes,
                 std::min(kGroup, p.blocks - g * kGroup), scratch[g * Columns + c]);
    }
  }
  __m512 sums[kRowGroup][Columns];
  for (std::size_t row = first; row < end; row += kRowGroup) {
    for (std::size_t r = 0; r < kRowGroup; ++r) {
      multiply_row<F, Columns>(p.weights + (row + r) * p.weight_stride, p.blocks, scratch.data(),
                               sums[r]);
    }
    for (std::size_t c = 0; c < Columns; ++c) {
      _mm_storeu_ps(p.out + (column + c) * p.out_stride + row,
                    sums_of(sums[0][c], sums[1][c], sums[2][c], sums[3][c]));
    }
  }
}

template <Weights F>
void multiply(const Product& p, std::size_t first, std::size_t end) {
  thread_local std::vector<Column> scratch;
  std::size_t column = 0;
  for (; p.columns - column >= 4; column += 4)
    multiply_columns<F, 4>(p, first, end, column, scratch);
  switch (p.columns - column) {
    case 3: return multiply_columns<F, 3>(p, first, end, column, scratch);
    case 2: return multiply_columns<F, 2>(p, first, end, column, scratch);
    case 1: return multiply_columns<F, 1>(p, first, end, column, scratch);
    default: return;
  }
}

}  // namespace

bool supported() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512vnni") &&
         __builtin_cpu_supports("f16c");
}

void multiply_rows(const Product& product, std::size_t first, std::size_t end) {
  switch (product.format) {
    case Weights::q4_1: return multiply<Weights::q4_1>(product, first, end);
    case Weights::q5_0: return multiply<Weights::q5_0>(product, first, end);
    case Weights::q8_0: return multiply<Weights::q8_0>(product, first, end);
  }
}

}  // namespace quern::kernels
