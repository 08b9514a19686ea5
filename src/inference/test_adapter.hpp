// A LoRA adapter of rank 2 made from a fixed seed, for tests: as a file, and as what it adds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace quern::inference::testing {

class TestAdapter {
 public:
  static constexpr std::uint32_t kRank = 2;
  static constexpr float kAlpha = 3;

  struct Half {
    std::string name;
    std::vector<std::int64_t> shape;  // the fastest first
    std::vector<float> values;
  };

  // Of a matrix with so many columns and rows.
  void add(const std::string& matrix, std::uint32_t columns, std::uint32_t rows) {
    halves.push_back({matrix + ".lora_a", {columns, kRank}, chances(std::size_t{columns} * kRank)});
    halves.push_back({matrix + ".lora_b", {kRank, rows}, chances(std::size_t{rows} * kRank)});
  }

  // What the pair added last adds to its matrix, row after row.
  std::vector<float> delta(float scale) const {
    const Half& a = halves[halves.size() - 2];
    const Half& b = halves.back();
    const auto columns = static_cast<std::size_t>(a.shape[0]);
    const auto rows = static_cast<std::size_t>(b.shape[1]);
    std::vector<float> sum(columns * rows);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        for (std::size_t r = 0; r < kRank; ++r) {
          sum[row * columns + column] +=
              scale * kAlpha / kRank * b.values[row * kRank + r] * a.values[r * columns + column];
        }
      }
    }
    return sum;
  }

  // A value of metadata, with its type before it
  // (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
  static std::string text(std::string_view value) { return number(8U) + plain(value); }
  static std::string u32(std::uint32_t value) { return number(4U) + number(value); }
  static std::string f32(float value) { return number(6U) + number(value); }
  static std::string u32s(std::uint32_t only) {
    return number(9U) + number(4U) + number(std::uint64_t{1}) + number(only);
  }

  // With this value for this key, where a test wants it otherwise.
  std::filesystem::path write(const std::filesystem::path& path, const std::string& key = {},
                              const std::string& value = {}) const {
    std::map<std::string, std::string> pairs{{"general.type", text("adapter")},
                                             {"general.architecture", text("llama")},
                                             {"adapter.type", text("lora")},
                                             {"adapter.lora.alpha", f32(kAlpha)}};
    if (!key.empty()) pairs[key] = value;
    std::string head = "GGUF" + number(3U) + number(std::uint64_t{halves.size()}) +
                       number(std::uint64_t{pairs.size()});
    for (const auto& [name, encoded] : pairs) head += plain(name) + encoded;
    std::string data;
    for (const Half& half : halves) {
      head += plain(half.name) + number(static_cast<std::uint32_t>(half.shape.size()));
      for (const std::int64_t length : half.shape) head += number(length);
      head += number(0U) + number(std::uint64_t{data.size()});
      for (const float each : half.values) data += number(each);
      data.resize((data.size() + 31) / 32 * 32);
    }
    head.resize((head.size() + 31) / 32 * 32);
    std::ofstream(path, std::ios::binary) << head << data;
    return path;
  }

  std::vector<Half> halves;

 private:
  template <class Number>
  static std::string number(Number value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  static std::string plain(std::string_view value) {
    return number(std::uint64_t{value.size()}) + std::string(value);
  }
  std::vector<float> chances(std::size_t count) {
    std::uniform_real_distribution<float> chance(-0.4F, 0.4F);
    std::vector<float> values(count);
    for (float& value : values) value = chance(random_);
    return values;
  }

  std::mt19937 random_{7};
};

}  // namespace quern::inference::testing
