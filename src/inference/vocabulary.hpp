// A model's tokens, as far as answering needs them.
#pragma once

#include "inference/inference.hpp"

#include <cstdint>
#include <string>

namespace quern::inference {

class Vocabulary {
 public:
  virtual ~Vocabulary() = default;
  virtual std::uint32_t size() const = 0;
  // Bytes, perhaps a part of a character. Control tokens are empty unless `special`.
  enum class Special : std::uint8_t { hide, show };
  virtual std::string bytes_of(Token token, Special special) const = 0;
  // Does this token end an answer?
  virtual bool ends(Token token) const = 0;
};

}  // namespace quern::inference
