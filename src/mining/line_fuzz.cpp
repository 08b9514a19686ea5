// Lines as they come, with what was learned saved and loaded on the way: neither ends the program,
// and a loaded miner says the same as the one that was saved.
#include "base/check.hpp"

#include "mining/mining.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern::mining;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)Miner::load(text);
  Miner miner({.templates = 64, .alike = 3, .values = 3});
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const Seen seen = miner.learn(text.substr(0, end));
    CHECK(miner.now(seen.id) == seen.id, "a template that is part of another");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  const auto loaded = Miner::load(miner.save(), {.templates = 64, .alike = 3, .values = 3});
  CHECK(loaded.ok(), "what was saved cannot be loaded");
  CHECK(loaded->templates().size() == miner.templates().size(), "templates were lost");
  return 0;
}
