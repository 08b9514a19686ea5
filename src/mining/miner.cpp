#include "mining/line_shape.hpp"
#include "mining/mining.hpp"
#include "mining/template_table.hpp"

#include <utility>

namespace quern::mining {
namespace {

// Shapes that were seen lately, so that most lines cost one look. Two halves: the older one is
// dropped when the younger is full, so that words of an attacker fill no memory.
class Recent {
 public:
  // Null: it was not.
  TemplateEntry* find(std::string_view key) {
    if (const auto found = young_.find(key); found != young_.end()) return found->second;
    const auto found = old_.find(key);
    return found == old_.end() ? nullptr : put(key, found->second);
  }
  TemplateEntry* put(std::string_view key, TemplateEntry* entry) {
    if (young_.size() >= kHalf) {
      old_ = std::move(young_);
      young_ = {};
    }
    return young_.insert_or_assign(std::string(key), entry).first->second;
  }
  void clear() { young_ = old_ = {}; }

 private:
  static constexpr std::size_t kHalf = 8192;
  StringMap<TemplateEntry*> young_;
  StringMap<TemplateEntry*> old_;
};

Shape owned(const LineShape& line) {
  Shape shape;
  for (const Token& token : line.tokens()) {
    const bool hole = token.kind == TokenKind::hole;
    shape.words.push_back(hole ? std::string(1, kHole) : std::string(line.text(token)));
    shape.spaced.push_back(token.spaced);
  }
  return shape;
}

}  // namespace

struct Miner::State {
  explicit State(MinerOptions o) : options(o), table(o), last(table.entry(kRest)) {}

  MinerOptions options;
  LineShape line;
  Recent recent;
  TemplateTable table;
  TemplateEntry* last;  // of the line that was learned last
  std::vector<std::string_view> parameters;
};

Miner::Miner(MinerOptions options) : state_(std::make_unique<State>(options)) {}
Miner::Miner(Miner&&) noexcept = default;
Miner& Miner::operator=(Miner&&) noexcept = default;
Miner::~Miner() = default;

Seen Miner::learn(std::string_view line) {
  State& state = *state_;
  state.line.read(line.substr(0, state.options.line_bytes));
  Seen seen;
  TemplateEntry* entry = state.recent.find(state.line.key());
  if (entry != nullptr) {
    entry = state.table.now(entry);
    seen.id = entry->known.id;
  } else {
    const std::uint64_t before = state.table.erased();
    seen = state.table.place(owned(state.line));
    entry = state.table.entry(seen.id);
    if (state.table.erased() != before) state.recent.clear();  // it points to what went
    // Later there may be room.
    if (seen.id != kRest) state.recent.put(state.line.key(), entry);
  }
  state.table.count(*entry);
  state.last = entry;
  return seen;
}

std::span<const std::string_view> Miner::parameters() const {
  State& state = *state_;
  state.parameters.clear();
  const std::span<const Token> tokens = state.line.tokens();
  // Lines of one template have as many tokens as its shape; those of kRest have none in common.
  const Shape& shape = state.last->shape;
  const bool fits = shape.words.size() == tokens.size();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (fits ? is_hole(shape.words[i]) : tokens[i].kind == TokenKind::hole) {
      state.parameters.push_back(state.line.text(tokens[i]));
    }
  }
  return state.parameters;
}

bool Miner::knows(TemplateId id) const { return state_->table.knows(id); }
TemplateId Miner::now(TemplateId id) const { return state_->table.now(id); }
const Template& Miner::at(TemplateId id) const { return state_->table.at(id); }
void Miner::keep(TemplateId id) { state_->table.keep(id); }
std::uint64_t Miner::forgotten() const { return state_->table.forgotten(); }
std::uint64_t Miner::erased() const { return state_->table.erased(); }
std::vector<std::pair<TemplateId, TemplateId>> Miner::joined() const {
  return state_->table.joined();
}
std::vector<Template> Miner::templates() const { return state_->table.all(); }
void Miner::allow(TemplateId end) { state_->table.allow(end); }
TemplateId Miner::next() const { return state_->table.next(); }
std::string Miner::save() const { return state_->table.save(); }
std::string Miner::changes() { return state_->table.changes(); }
std::size_t Miner::unread() const { return state_->table.unread(); }
bool Miner::has_changes() const { return state_->table.has_changes(); }

Result<Miner> Miner::load(std::string_view state, MinerOptions options) {
  Miner miner(options);
  TRY(miner.state_->table.load(state));
  return miner;
}

}  // namespace quern::mining
