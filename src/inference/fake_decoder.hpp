// For tests: a Decoder that remembers which token lies in which cell of which sequence, and whose
// logits depend on all of them. A sequence that is continued over a missing or a wrong cell gives
// other logits than one that was computed from the start, so a cache that mixes up cells shows.
#pragma once

#include "inference/decoder.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <vector>

namespace quern::inference {

class FakeDecoder final : public Decoder {
 public:
  static constexpr std::uint32_t kVocabulary = 64;

  explicit FakeDecoder(std::uint32_t cells = 1000, std::uint32_t batch = 64) {
    shape_ = {.cells = cells, .sequences = 64, .batch = batch, .window = 0, .shares = true};
  }
  Shape& change_shape() { return shape_; }
  const Shape& shape() const override { return shape_; }

  Decoded decode(std::span<const BatchToken> batch) override {
    if (failures > 0) {
      --failures;
      return Decoded::failed;
    }
    if (used() + batch.size() > shape_.cells) return Decoded::no_room;
    batches.emplace_back(batch.begin(), batch.end());
    logits_.clear();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      cells_.push_back({batch[i].token, batch[i].position, {batch[i].sequence}});
      ++computed;
      if (batch[i].wants_logits) logits_[i] = logits_of(batch[i].sequence, batch[i].position);
    }
    return Decoded::done;
  }
  std::span<const float> logits(std::size_t index) override { return logits_.at(index); }

  void share(Sequence from, Sequence to, Span span) override {
    for (Cell& cell : cells_) {
      if (cell.holds(from, span)) cell.sequences.insert(to);
    }
  }
  void drop(Sequence sequence, Span span) override {
    for (Cell& cell : cells_) {
      if (cell.holds(sequence, span)) cell.sequences.erase(sequence);
    }
    std::erase_if(cells_, [](const Cell& cell) { return cell.sequences.empty(); });
  }
  std::uint32_t whole_from(Sequence sequence) const override {
    const auto at = lost_before.find(sequence);
    return at == lost_before.end() ? 0 : at->second;
  }
  Buffer save(Sequence sequence) override {
    Buffer bytes;
    if (!saves) return bytes;
    for (const Cell& cell : cells_) {
      if (!cell.sequences.contains(sequence)) continue;
      const std::uint32_t pair[] = {static_cast<std::uint32_t>(cell.token), cell.position};
      const auto view = std::as_bytes(std::span(pair));
      bytes.insert(bytes.end(), view.begin(), view.end());
    }
    return bytes;
  }
  bool restore(Sequence sequence, ByteView bytes) override {
    std::vector<std::uint32_t> pairs(bytes.size() / sizeof(std::uint32_t));
    std::memcpy(pairs.data(), bytes.data(), bytes.size());
    if (used() + pairs.size() / 2 > shape_.cells) return false;
    for (std::size_t i = 0; i < pairs.size(); i += 2) {
      cells_.push_back({static_cast<Token>(pairs[i]), pairs[i + 1], {sequence}});
    }
    return true;
  }

  std::uint32_t used() const { return static_cast<std::uint32_t>(cells_.size()); }
  // What a context that saw exactly `tokens` says next.
  static Token answer_to(const std::vector<Token>& tokens) {
    std::uint64_t hash = 1;
    for (const Token token : tokens) hash = hash * 1000003 + static_cast<std::uint64_t>(token) + 1;
    return static_cast<Token>(hash % kVocabulary);
  }

  std::vector<std::vector<BatchToken>> batches;
  std::size_t computed = 0;  // tokens, over all steps
  int failures = 0;          // steps that are still to fail
  bool saves = true;
  std::map<Sequence, std::uint32_t> lost_before;

 private:
  struct Cell {
    Token token;
    std::uint32_t position;
    std::set<Sequence> sequences;
    bool holds(Sequence sequence, Span span) const {
      return position >= span.begin && position < span.end && sequences.contains(sequence);
    }
  };

  std::vector<float> logits_of(Sequence sequence, std::uint32_t position) const {
    std::vector<Token> seen(position + 1, -1);  // -1: a missing cell
    std::size_t count = 0;
    for (const Cell& cell : cells_) {
      if (!cell.sequences.contains(sequence) || cell.position > position) continue;
      seen[cell.position] = cell.token;
      ++count;
    }
    std::vector<float> logits(kVocabulary, 0.F);
    // Doubled cells would be seen twice by attention.
    const Token next = count == seen.size() ? answer_to(seen) : 0;
    logits[static_cast<std::size_t>(next)] = 1;
    return logits;
  }

  Shape shape_;
  std::vector<Cell> cells_;
  std::map<std::size_t, std::vector<float>> logits_;
};

}  // namespace quern::inference
