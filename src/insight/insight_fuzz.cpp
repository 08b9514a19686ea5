// What comes back from a model, and what a disk gives back: verdicts, lines of state, blocks of the
// ring. None of it ends the program, and a verdict that is taken keeps its promises.
#include "base/check.hpp"
#include "base/fakes.hpp"

#include "insight/budget.hpp"
#include "insight/prompt.hpp"
#include "insight/ring.hpp"
#include "insight/verdict.hpp"
#include "insight/verdict_cache.hpp"
#include "logs/json.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace quern;
  using namespace quern::insight;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const Vocabulary words{.classes = {"storage", "other"}, .actions = {"page"}};
  if (const auto verdict = parse_verdict(as_text(bytes), words)) {
    CHECK(verdict->confidence >= 0 && verdict->confidence <= 1, "a confidence beyond its range");
    CHECK(verdict->reason.size() <= kLongestReason + 3, "a reason that is too long");
    CHECK(parse_verdict(to_json(*verdict), words).ok(),
          "a verdict that is none once it is written");
  }
  (void)parse_summary(as_text(bytes));
  Buffer map;
  if (logs::from_json(as_text(bytes), map)) {
    Budget budget({});
    budget.load(map);
    (void)budget.take(1, {});
  }
  FakeFiles files;
  (void)files.write("/verdicts.jsonl", bytes);
  (void)VerdictCache::load(files, "/verdicts.jsonl", "policy", words);
  (void)files.make_directories("/ring", 0700);
  (void)files.write("/ring/1.ring", bytes);
  const auto ring = Ring::open(files, "/ring", 1_MiB);
  CHECK(ring.ok(), "a damaged ring is no ring at all");
  (void)(*ring)->search({.text = "x"}, [](mining::TemplateId id) { return id; });
  return 0;
}
