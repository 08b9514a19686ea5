// What one instance has of WASI-NN beside its handles.
#pragma once

#include "base/result.hpp"
#include "guestapi/later.hpp"
#include "inference/inference.hpp"

#include "tensor/tensor.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace quern::guestapi {

struct NnSession {
  // Graphs by the name they were loaded under; a second load gives the same one.
  std::map<std::string, std::uint32_t, std::less<>> graphs;
  // A model, or graph, that is being opened for the call that waits now.
  using Opening = Later<Result<std::shared_ptr<inference::Model>>>;
  std::shared_ptr<Opening> opening;
  using Loading = Later<Result<std::shared_ptr<tensor::Graph>>>;
  std::shared_ptr<Loading> loading;
  // Bytes of prompts and tensors that its handles hold: they lie outside the memory that it was
  // granted.
  std::atomic<std::size_t> held{0};
  static constexpr std::size_t kMostHeld = std::size_t{64} << 20U;
  // Bytes of the graphs that it brought itself.
  std::atomic<std::size_t> graph_bytes{0};
};

// Bytes that something holds, counted together with others' as long as it lives.
class NnHeld {
 public:
  // `counter` outlives it.
  explicit NnHeld(std::atomic<std::size_t>& counter) : counter_(counter) {}
  ~NnHeld() { counter_ -= bytes_; }
  NnHeld(const NnHeld&) = delete;
  NnHeld& operator=(const NnHeld&) = delete;

  // False, and nothing changes, when it grows and all together would be above `most`.
  bool resize(std::size_t bytes, std::size_t most) {
    const std::size_t others = counter_ - bytes_;
    const bool grows = bytes > bytes_;
    if (grows && (bytes > most || others > most - bytes)) return false;
    counter_ += bytes - bytes_;
    bytes_ = bytes;
    return true;
  }

 private:
  std::atomic<std::size_t>& counter_;
  std::size_t bytes_ = 0;
};

}  // namespace quern::guestapi
