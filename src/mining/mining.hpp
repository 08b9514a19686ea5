// mining: what lines of a log have in common, and which of them are unusual.
//
// For:     a line becomes a template ("connection from <*>") and its parameters, as it comes,
//          without a rule for its program; what follows (gates, verdicts, counts) works on
//          templates.
// Refuses: files, threads, records and models; a line is bytes, the caller says what time it is.
// Owns:    a Miner owns its templates. Their number is bounded: those that were not seen for
//          longest make room for new ones.
// Threads: one thread owns a Miner.
// Errors:  corrupt_data (a saved state that is none). A line itself is never an error.
//
//     Miner miner;
//     const Seen seen = miner.learn("connection from 10.0.0.7 port 22");
//     miner.at(seen.id).text;     // "connection from <*> port <*>"
//     miner.parameters();         // "10.0.0.7", "22"
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::mining {

// Counts up from 1 in the order in which templates were first seen; kept across restarts with the
// state, never given twice. 0 is every line that found no place, and all templates that went.
using TemplateId = std::uint32_t;
inline constexpr TemplateId kRest = 0;
inline constexpr TemplateId kLastId = UINT32_MAX;

struct Template {
  TemplateId id = kRest;
  std::string text;         // words as they are written, "<*>" for each parameter
  std::uint64_t count = 0;  // lines, those of the templates that became part of this one too
};

struct MinerOptions {
  std::size_t templates = 16'384;  // those not seen for longest go, their lines to kRest
  std::size_t line_bytes = 4096;   // what follows in a line is not looked at
  // Of the words of all templates and values together; beyond it is as with too many templates.
  // What save() writes has at most about four times as many. What is noted about words that may
  // vary has as many again; then it is forgotten.
  std::size_t bytes = std::size_t{48} << 20U;
  // As many lines that differ in one word make this word a parameter.
  std::size_t alike = 6;
  // As many values make what stands behind "name=" a parameter, in all templates.
  std::size_t values = 6;
};

struct Seen {
  TemplateId id = kRest;
  bool is_new = false;  // the first line of this template
};

class Miner {
 public:
  explicit Miner(MinerOptions options = {});
  Miner(Miner&&) noexcept;
  Miner& operator=(Miner&&) noexcept;
  ~Miner();

  // The line's template, made when there is none yet. A line of many words may show that two older
  // templates are one: the older id goes on, the other leads to it.
  Seen learn(std::string_view line);

  // What stands at the holes of the template that the line has now, in order; views into the line
  // that was learned last.
  std::span<const std::string_view> parameters() const;

  // Is there a template of this id, by itself or as part of another?
  bool knows(TemplateId id) const;
  // The id under which a template is known now; kRest: there is none, or it went.
  TemplateId now(TemplateId id) const;
  // Of an id that is not known what is said of kRest; of a part that made room, of the whole.
  const Template& at(TemplateId id) const;
  // This one, and what it becomes part of, does not go.
  void keep(TemplateId id);
  // Templates that went since the start.
  std::uint64_t forgotten() const;
  // Those, and parts of others that went while the whole lives.
  std::uint64_t erased() const;
  // Ids that lead to another, by id; also of parts that made room, those that did lately.
  std::vector<std::pair<TemplateId, TemplateId>> joined() const;

  // Those that are not part of another, by id; kRest first, when it has lines.
  std::vector<Template> templates() const;

  // Ids are given below `end` alone; further shapes are counted under kRest. What is saved says
  // that all below may have been given: no later run gives one of them.
  void allow(TemplateId end);
  TemplateId next() const;  // the first id that was not given

  // All that a later run needs to go on, as text (docs/formats/templates.md).
  std::string save() const;
  // What changed since the last call, but for counts: lines to go behind what save() wrote before.
  // Nothing is noted before the first call.
  std::string changes();
  bool has_changes() const;
  std::size_t unread() const;  // bytes at the end of what was loaded
  // What was appended is read as far as it makes sense: unread() tells of the rest.
  static Result<Miner> load(std::string_view state, MinerOptions options = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace quern::mining
