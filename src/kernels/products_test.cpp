#include "kernels/kernels.hpp"
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace quern::kernels {
namespace {

struct Layout {
  const char* name;
  Weights format;
  std::size_t weight_bytes, activation_bytes, activation_values;
};
constexpr Layout kLayouts[] = {{"q4_1", Weights::q4_1, 20, 36, 4},
                               {"q5_0", Weights::q5_0, 22, 34, 2},
                               {"q8_0", Weights::q8_0, 34, 34, 2}};

// Bytes that end where a page ends that nobody may touch: one byte read too far ends the test.
class Fenced {
 public:
  explicit Fenced(std::size_t bytes) : bytes_(bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (bytes + page - 1) / page * page + page;
    base_ = static_cast<std::byte*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + mapped_ - page, page, PROT_NONE);
    data_ = base_ + mapped_ - page - bytes;
  }
  ~Fenced() { munmap(base_, mapped_); }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  std::size_t bytes_, mapped_;
  std::byte *base_, *data_;
};

// Half precision of numbers that have few digits, without the instructions under test.
std::uint16_t half(int thirty_seconds) {
  if (thirty_seconds == 0) return 0;
  const auto magnitude = static_cast<unsigned>(std::abs(thirty_seconds));
  int exponent = 0;
  while (magnitude >> (exponent + 1) != 0) ++exponent;
  const unsigned mantissa = (magnitude << (10 - exponent)) & 0x3ffU;
  return static_cast<std::uint16_t>((thirty_seconds < 0 ? 0x8000U : 0U) |
                                    static_cast<unsigned>(exponent - 5 + 15) << 10 | mantissa);
}

struct Case {
  Layout layout;
  std::size_t blocks, rows, columns;
  Fenced weights, activations;
  std::vector<float> weight_values, activation_values;  // what the blocks mean

  Case(const Layout& of, std::size_t block_count, std::size_t row_count, std::size_t column_count,
       unsigned seed)
      : layout(of),
        blocks(block_count),
        rows(row_count),
        columns(column_count),
        weights(rows * blocks * of.weight_bytes),
        activations(columns * blocks * of.activation_bytes) {
    std::mt19937 random(seed);
    for (std::size_t i = 0; i < rows * blocks; ++i)
      fill_weights(weights.data() + i * of.weight_bytes, random);
    for (std::size_t i = 0; i < columns * blocks; ++i)
      fill_activations(activations.data() + i * of.activation_bytes, random);
  }

  static int between(std::mt19937& random, int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  }

  void fill_weights(std::byte* at, std::mt19937& random) {
    for (std::size_t i = 0; i < layout.weight_bytes; ++i)
      at[i] = static_cast<std::byte>(between(random, 0, 255));
    const int scale = between(random, -63, 63), minimum = between(random, -63, 63);
    put(at, scale);
    if (layout.format == Weights::q4_1) put(at + 2, minimum);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(at);
    std::uint32_t fifths = 0;
    std::memcpy(&fifths, at + 2, sizeof fifths);
    for (unsigned i = 0; i < 32; ++i) {
      const unsigned packed = bytes[layout.weight_bytes - 16 + i % 16];
      const int nibble = static_cast<int>(i < 16 ? packed & 15U : packed >> 4);
      float value = 0;
      switch (layout.format) {
        case Weights::q4_1: value = static_cast<float>(scale * nibble + minimum); break;
        case Weights::q5_0:
          value =
              static_cast<float>(scale * (nibble + static_cast<int>((fifths >> i & 1U) << 4) - 16));
          break;
        case Weights::q8_0:
          value = static_cast<float>(scale * static_cast<std::int8_t>(bytes[2 + i]));
          break;
      }
      weight_values.push_back(value / 32);
    }
  }

  void fill_activations(std::byte* at, std::mt19937& random) {
    const int scale = between(random, 0, 31);
    int sum = 0;
    for (unsigned i = 0; i < 32; ++i) {
      // A sum of few digits, so that half precision holds it.
      const int value = layout.format == Weights::q4_1
                            ? between(random, 0, 1) * (i % 2 == 0 ? 127 : -128)
                            : between(random, -128, 127);
      sum += value;
      at[layout.activation_values + i] = static_cast<std::byte>(static_cast<std::int8_t>(value));
      activation_values.push_back(static_cast<float>(scale * value) / 32);
    }
    put(at, scale);
    if (layout.format == Weights::q4_1) put_sum(at, scale, sum);
  }

  // The format says scale * sum; what of it half precision cannot hold goes into the last value's
  // place.
  void put_sum(std::byte* at, int scale, int sum) {
    while (std::abs(scale * sum) > 2047) {
      for (unsigned i = 0; i < 32 && std::abs(scale * sum) > 2047; ++i) {
        auto& value = at[layout.activation_values + i];
        const int now = static_cast<std::int8_t>(value);
        if ((now > 0) != (sum > 0) || now == 0) continue;
        sum -= now;
        value = std::byte{0};
        activation_values[activation_values.size() - 32 + i] = 0;
      }
    }
    put(at + 2, scale * sum);
  }

  static void put(std::byte* at, int thirty_seconds) {
    const std::uint16_t bits = half(thirty_seconds);
    std::memcpy(at, &bits, sizeof bits);
  }

  Product product(std::vector<float>& out) const {
    return {.format = layout.format,
            .weights = weights.data(),
            .weight_stride = blocks * layout.weight_bytes,
            .activations = activations.data(),
            .activation_stride = blocks * layout.activation_bytes,
            .out = out.data(),
            .out_stride = rows,
            .blocks = blocks,
            .columns = columns};
  }
};

class Products : public testing::TestWithParam<Layout> {
  void SetUp() override {
    if (!supported()) GTEST_SKIP() << "this processor has no AVX-512 VNNI";
  }
};

TEST_P(Products, EqualTheSumsOfWhatTheBlocksMean) {
  for (const std::size_t blocks : {1U, 2U, 3U, 4U, 5U, 7U, 18U, 48U}) {
    for (const std::size_t columns : {1U, 2U, 3U, 4U, 5U, 8U, 13U}) {
      Case c(GetParam(), blocks, 8, columns, static_cast<unsigned>(blocks * 100 + columns));
      std::vector<float> out(c.rows * columns);
      multiply_rows(c.product(out), 0, c.rows);
      for (std::size_t column = 0; column < columns; ++column) {
        for (std::size_t row = 0; row < c.rows; ++row) {
          double sum = 0, magnitude = 1;
          for (std::size_t i = 0; i < blocks * 32; ++i) {
            const double term = double{c.weight_values[row * blocks * 32 + i]} *
                                c.activation_values[column * blocks * 32 + i];
            sum += term;
            magnitude += std::abs(term);
          }
          ASSERT_NEAR(out[column * c.rows + row], sum, magnitude * 1e-6)
              << blocks << " blocks, " << columns << " columns, row " << row << ", column "
              << column;
        }
      }
    }
  }
}

// A sequence's numbers must not change with its company in a batch.
TEST_P(Products, OfAColumnAreTheSameBesideOthers) {
  Case c(GetParam(), 18, 12, 23, 7);
  std::vector<float> together(c.rows * c.columns), alone(c.rows);
  multiply_rows(c.product(together), 0, c.rows);
  for (std::size_t column = 0; column < c.columns; ++column) {
    Product one = c.product(alone);
    one.activations += column * one.activation_stride;
    one.columns = 1;
    multiply_rows(one, 0, c.rows);
    for (std::size_t row = 0; row < c.rows; ++row)
      ASSERT_EQ(alone[row], together[column * c.rows + row]) << column;
  }
}

TEST_P(Products, AreWrittenForTheRowsAskedForAlone) {
  Case c(GetParam(), 6, 12, 5, 3);
  const float untouched = std::numeric_limits<float>::infinity();
  std::vector<float> all(c.rows * c.columns), some(c.rows * c.columns, untouched);
  multiply_rows(c.product(all), 0, c.rows);
  multiply_rows(c.product(some), 4, 8);
  for (std::size_t i = 0; i < some.size(); ++i) {
    const std::size_t row = i % c.rows;
    EXPECT_EQ(some[i], row >= 4 && row < 8 ? all[i] : untouched) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Products, testing::ValuesIn(kLayouts),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace quern::kernels
