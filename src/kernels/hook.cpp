// The door into llama.cpp: its CPU back-ends ask `llamafile_sgemm` for each product of matrices
// before they compute it row by row. In the builds for AVX-512 VNNI this file is that function
// (deps/llama/CMakeLists.txt); what the kernels do not know, the library goes on to compute itself.
#include "ggml-cpu-impl.h"
#include "kernels/kernels.hpp"
#include <ggml.h>

#include <algorithm>

namespace quern::kernels {
namespace {

// Rows that stay in the second-level cache while all columns go by.
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
// From so many columns on, threads fetch their chunks one by one: a thread that the system holds up
// then delays the others less. Below, a second barrier would cost more than that gains.
constexpr std::int64_t kColumnsToShare = 32;

struct Call {
  const ggml_compute_params* params;
  Product product;
  std::size_t rows;
};

bool format_of(int weights, int activations, Weights& format) {
  if (weights == GGML_TYPE_Q4_1 && activations == GGML_TYPE_Q8_1)
    format = Weights::q4_1;
  else if (weights == GGML_TYPE_Q5_0 && activations == GGML_TYPE_Q8_0)
    format = Weights::q5_0;
  else if (weights == GGML_TYPE_Q8_0 && activations == GGML_TYPE_Q8_0)
    format = Weights::q8_0;
  else
    return false;
  return true;
}

std::size_t groups_up(std::size_t rows) { return (rows + kRowGroup - 1) / kRowGroup * kRowGroup; }

// Every thread its share, in chunks.
void compute_share(const Call& call, std::size_t chunk) {
  const auto threads = static_cast<std::size_t>(call.params->nth);
  const auto thread = static_cast<std::size_t>(call.params->ith);
  const std::size_t share = groups_up((call.rows + threads - 1) / threads);
  const std::size_t end = std::min(call.rows, (thread + 1) * share);
  for (std::size_t row = thread * share; row < end; row += chunk) {
    multiply_rows(call.product, row, std::min(row + chunk, end));
  }
}

void compute_by_chunks(const Call& call, std::size_t chunk) {
  ggml_threadpool* pool = call.params->threadpool;
  if (call.params->ith == 0) ggml_threadpool_chunk_set(pool, call.params->nth);
  ggml_barrier(pool);
  for (auto at = static_cast<std::size_t>(call.params->ith); at * chunk < call.rows;
       at = static_cast<std::size_t>(ggml_threadpool_chunk_add(pool, 1))) {
    multiply_rows(call.product, at * chunk, std::min((at + 1) * chunk, call.rows));
  }
  ggml_barrier(pool);  // or the next product's first chunk would be taken for one of this
}

}  // namespace
}  // namespace quern::kernels

extern "C" {

// m rows of A times n columns of B over k blocks; strides in blocks of their types.
bool llamafile_sgemm(const ggml_compute_params* params, std::int64_t m, std::int64_t n,
                     std::int64_t k, const void* A, std::int64_t lda, const void* B,
                     std::int64_t ldb, void* C, std::int64_t ldc, int Atype, int Btype, int Ctype) {
  using namespace quern::kernels;
  Weights format;
  if (params->use_ref || Ctype != GGML_TYPE_F32 || m < 1 || n < 1 || k < 1 || m % kRowGroup != 0 ||
      !format_of(Atype, Btype, format)) {
    return false;
  }
  const std::size_t row_bytes =
      static_cast<std::size_t>(lda) * ggml_type_size(static_cast<ggml_type>(Atype));
  const std::size_t column_bytes =
      static_cast<std::size_t>(ldb) * ggml_type_size(static_cast<ggml_type>(Btype));
  const Call call{.params = params,
                  .product = {.format = format,
                              .weights = static_cast<const std::byte*>(A),
                              .weight_stride = row_bytes,
                              .activations = static_cast<const std::byte*>(B),
                              .activation_stride = column_bytes,
                              .out = static_cast<float*>(C),
                              .out_stride = static_cast<std::size_t>(ldc),
                              .blocks = static_cast<std::size_t>(k),
                              .columns = static_cast<std::size_t>(n)},
                  .rows = static_cast<std::size_t>(m)};
  const std::size_t chunk =
      groups_up(std::max<std::size_t>(kChunkBytes / std::max<std::size_t>(row_bytes, 1), 1));
  if (n >= kColumnsToShare) {
    const std::size_t fair = groups_up((call.rows + 4 * params->nth - 1) / (4 * params->nth));
    compute_by_chunks(call, std::min(chunk, fair));
  } else {
    compute_share(call, chunk);
  }
  return true;
}

}  // extern "C"
