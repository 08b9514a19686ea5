// SHA-256, the one digest of Quern: models, wasm files, cache keys. Written "sha256:<64 hex>".
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <memory>
#include <string>

namespace quern {

// Feed it in pieces; one thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(ByteView bytes);
  // "sha256:..." of everything so far. Ends this object's use.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256(ByteView bytes);

// "sha256:" and 64 lower-case hex digits?
bool is_digest(std::string_view text);

}  // namespace quern
