// Lines as they come, with what was learned saved and loaded on the way: neither ends the program,
// and a loaded miner knows no more than the one that was saved, whole or with changes behind.
#include "base/check.hpp"

#include "mining/mining.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern::mining;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)Miner::load(text);
  constexpr MinerOptions kOptions{.templates = 64, .alike = 3, .values = 3};
  Miner miner(kOptions);
  std::string noted = miner.save();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const Seen seen = miner.learn(text.substr(0, end));
    CHECK(miner.now(seen.id) == seen.id, "a template that is part of another");
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    noted += miner.changes();
  }
  for (const std::string& state : {miner.save(), noted}) {
    const auto loaded = Miner::load(state, kOptions);
    CHECK(loaded.ok(), "what was saved cannot be loaded");
    // Fewer: words are noted once more, and two may be found to be one.
    CHECK(loaded->templates().size() <= miner.templates().size(), "templates of nothing");
    CHECK(loaded->templates().empty() == miner.templates().empty(), "templates were lost");
    CHECK(loaded->next() == miner.next(), "an id may be given twice");
  }
  return 0;
}
