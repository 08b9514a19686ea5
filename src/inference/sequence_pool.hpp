// The free sequence numbers of a Decoder.
#pragma once

#include "inference/decoder.hpp"

#include <optional>
#include <vector>

namespace quern::inference {

class SequencePool {
 public:
  explicit SequencePool(std::uint32_t count) {
    for (std::uint32_t i = count; i > 0; --i) free_.push_back(static_cast<Sequence>(i - 1));
  }
  std::optional<Sequence> take() {
    if (free_.empty()) return std::nullopt;
    const Sequence sequence = free_.back();
    free_.pop_back();
    return sequence;
  }
  void give_back(Sequence sequence) { free_.push_back(sequence); }
  std::size_t left() const { return free_.size(); }

 private:
  std::vector<Sequence> free_;
};

}  // namespace quern::inference
