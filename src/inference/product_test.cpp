// Products of quantized weights through llama.cpp's back-end as it is loaded on this machine: with
// the kernels behind its door or without.
#include "inference/backends.hpp"

#include <ggml-backend.h>
#include <ggml.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

namespace quern::inference {
namespace {

struct Free {
  void operator()(ggml_context* context) const { ggml_free(context); }
  void operator()(ggml_backend* backend) const { ggml_backend_free(backend); }
  void operator()(ggml_backend_buffer* buffer) const { ggml_backend_buffer_free(buffer); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-1, 1);
  std::vector<float> values(count);
  for (float& each : values) each = value(random);
  return values;
}

void use_threads(ggml_backend* backend, int threads) {
  auto* const registry = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend));
  auto* const set = reinterpret_cast<ggml_backend_set_n_threads_t>(
      ggml_backend_reg_get_proc_address(registry, "ggml_backend_set_n_threads"));
  ASSERT_NE(set, nullptr);
  set(backend, threads);
}

class QuantizedProduct : public testing::TestWithParam<ggml_type> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(load_backends().ok());
    backend_.reset(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr));
    ASSERT_NE(backend_, nullptr);
  }

  // Two products one after the other, the second of other rows: what a thread does in the one must
  // not be taken for the other's.
  void check(std::int64_t rows, std::int64_t columns, std::int64_t width) {
    Owned<ggml_context> context(
        ggml_init({.mem_size = std::size_t{1} << 20, .mem_buffer = nullptr, .no_alloc = true}));
    const std::int64_t heights[] = {rows, rows + 4};
    ggml_tensor* weights[2];
    ggml_tensor* products[2];
    ggml_tensor* input = ggml_new_tensor_2d(context.get(), GGML_TYPE_F32, width, columns);
    ggml_cgraph* graph = ggml_new_graph(context.get());
    for (int i = 0; i < 2; ++i) {
      weights[i] = ggml_new_tensor_2d(context.get(), GetParam(), width, heights[i]);
      products[i] = ggml_mul_mat(context.get(), weights[i], input);
      ggml_build_forward_expand(graph, products[i]);
    }
    Owned<ggml_backend_buffer> buffer(
        ggml_backend_alloc_ctx_tensors(context.get(), backend_.get()));
    const auto inputs = random_values(static_cast<std::size_t>(width * columns), 1);
    ggml_backend_tensor_set(input, inputs.data(), 0, ggml_nbytes(input));
    std::vector<float> meant[2];
    for (unsigned i = 0; i < 2; ++i) {
      meant[i] = random_values(static_cast<std::size_t>(width * heights[i]), 2 + i);
      std::vector<std::uint8_t> packed(ggml_nbytes(weights[i]));
      ggml_quantize_chunk(GetParam(), meant[i].data(), packed.data(), 0, heights[i], width,
                          nullptr);
      ggml_get_type_traits(GetParam())
          ->to_float(packed.data(), meant[i].data(), width * heights[i]);
      ggml_backend_tensor_set(weights[i], packed.data(), 0, packed.size());
    }
    ASSERT_EQ(ggml_backend_graph_compute(backend_.get(), graph), GGML_STATUS_SUCCESS);
    for (unsigned i = 0; i < 2; ++i)
      compare(products[i], meant[i], inputs, static_cast<std::size_t>(width));
  }

  // Activations are rounded to eight bits: a hundredth of what is added up is more than that may
  // cost.
  static void compare(ggml_tensor* product, std::span<const float> weights,
                      std::span<const float> inputs, std::size_t width) {
    std::vector<float> out(static_cast<std::size_t>(ggml_nelements(product)));
    ggml_backend_tensor_get(product, out.data(), 0, ggml_nbytes(product));
    const auto rows = static_cast<std::size_t>(product->ne[0]);
    for (std::size_t at = 0; at < out.size(); ++at) {
      double sum = 0, magnitude = 0;
      for (std::size_t i = 0; i < width; ++i) {
        const double term = double{weights[at % rows * width + i]} * inputs[at / rows * width + i];
        sum += term;
        magnitude += std::abs(term);
      }
      ASSERT_NEAR(out[at], sum, magnitude / 100)
          << "row " << at % rows << " of " << rows << ", column " << at / rows;
    }
  }

  Owned<ggml_backend> backend_;
};

TEST_P(QuantizedProduct, IsWhatItsWeightsMeanWhateverItsShapeAndThreads) {
  for (const int threads : {1, 3, 16}) {
    use_threads(backend_.get(), threads);
    for (const std::int64_t rows : {4, 12, 256, 257}) {
      for (const std::int64_t columns : {1, 5, 33}) {
        SCOPED_TRACE(testing::Message()
                     << threads << " threads, " << rows << " rows, " << columns << " columns");
        check(rows, columns, 96);
        if (HasFatalFailure()) return;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, QuantizedProduct,
                         testing::Values(GGML_TYPE_Q4_1, GGML_TYPE_Q5_0, GGML_TYPE_Q8_0),
                         [](const auto& test) { return std::string(ggml_type_name(test.param)); });

}  // namespace
}  // namespace quern::inference
