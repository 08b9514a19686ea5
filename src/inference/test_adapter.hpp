// A LoRA adapter of rank 2 made from a fixed seed, for tests: as a file, and as what it adds.
#pragma once

#include <gguf.h>

#include <cstdint>
#include <filesystem>
#include <functional>
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

  // Metadata that a test wants otherwise is changed by `lie`.
  std::filesystem::path write(const std::filesystem::path& path,
                              const std::function<void(gguf_context*)>& lie = {}) const {
    gguf_context* const gguf = gguf_init_empty();
    ggml_context* const shapes =
        ggml_init({.mem_size = std::size_t{1} << 20U, .mem_buffer = nullptr, .no_alloc = false});
    gguf_set_val_str(gguf, "general.type", "adapter");
    gguf_set_val_str(gguf, "general.architecture", "llama");
    gguf_set_val_str(gguf, "adapter.type", "lora");
    gguf_set_val_f32(gguf, "adapter.lora.alpha", kAlpha);
    if (lie) lie(gguf);
    for (const Half& half : halves) {
      ggml_tensor* const tensor = ggml_new_tensor(
          shapes, GGML_TYPE_F32, static_cast<int>(half.shape.size()), half.shape.data());
      ggml_set_name(tensor, half.name.c_str());
      std::copy(half.values.begin(), half.values.end(), static_cast<float*>(tensor->data));
      gguf_add_tensor(gguf, tensor);
    }
    gguf_write_to_file(gguf, path.c_str(), false);
    ggml_free(shapes);
    gguf_free(gguf);
    return path;
  }

  std::vector<Half> halves;

 private:
  std::vector<float> chances(std::size_t count) {
    std::uniform_real_distribution<float> chance(-0.4F, 0.4F);
    std::vector<float> values(count);
    for (float& value : values) value = chance(random_);
    return values;
  }

  std::mt19937 random_{7};
};

}  // namespace quern::inference::testing
