// What the scheduler and the prefix cache need of an engine's context, and no more: a store of
// cells (the KV cache), each holding one token of one or more sequences, and a step that computes
// new tokens. LlamaDecoder is the real one; tests use FakeDecoder, which notices when a sequence
// is continued whose earlier cells are not what they should be.
//
// One thread (the model's scheduler) calls everything here.
#pragma once

#include "base/bytes.hpp"
#include "inference/inference.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace quern::inference {

// The number of a sequence: a set of cells with positions.
using Sequence = std::int32_t;

// Positions [begin, end).
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t size() const { return end - begin; }
};

struct BatchToken {
  Token token = 0;
  std::uint32_t position = 0;
  Sequence sequence = 0;
  bool wants_logits = false;
};

enum class Decoded : std::uint8_t {
  done,
  no_room,  // not enough free cells; nothing has changed
  failed,   // the sequences of the batch are in an unknown state
};

class Decoder {
 public:
  struct Shape {
    std::uint32_t cells = 0;      // tokens that all sequences together may hold
    std::uint32_t sequences = 0;  // numbers from 0 to sequences - 1
    std::uint32_t batch = 0;      // tokens in one step
    std::uint32_t window = 0;     // sliding attention: older cells may be gone; 0: full attention
    bool shares = false;          // can two sequences share cells? (not in recurrent models)
  };

  virtual ~Decoder() = default;
  virtual const Shape& shape() const = 0;

  virtual Decoded decode(std::span<const BatchToken> batch) = 0;
  // Of the batch's entry `index`, which asked for them. f32[vocabulary], valid until the next step.
  virtual std::span<const float> logits(std::size_t index) = 0;

  // `to` gets the cells that `from` has in the span; nothing is copied.
  virtual void share(Sequence from, Sequence to, Span span) = 0;
  // `sequence` lets go of its cells in the span; a cell that nobody holds is free.
  virtual void drop(Sequence sequence, Span span) = 0;
  // The least position from which on the sequence is whole (with a window it may lose its begin).
  virtual std::uint32_t whole_from(Sequence sequence) const = 0;

  // The sequence's cells as bytes outside the context, and back. Empty / false: cannot be done.
  virtual Buffer save(Sequence sequence) = 0;
  virtual bool restore(Sequence sequence, ByteView cells) = 0;
};

}  // namespace quern::inference
