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
  const TemplateId* find(std::string_view key) {
    if (const auto found = young_.find(key); found != young_.end()) return &found->second;
    const auto found = old_.find(key);
    if (found == old_.end()) return nullptr;
    return &put(key, found->second);
  }
  const TemplateId& put(std::string_view key, TemplateId id) {
    if (young_.size() >= kHalf) {
      old_ = std::move(young_);
      young_ = {};
    }
    return young_.insert_or_assign(std::string(key), id).first->second;
  }

 private:
  static constexpr std::size_t kHalf = 8192;
  StringMap<TemplateId> young_;
  StringMap<TemplateId> old_;
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
  explicit State(MinerOptions o) : options(o), table(o) {}

  MinerOptions options;
  LineShape line;
  Recent recent;
  TemplateTable table;
  TemplateId last = kRest;  // of the line that was learned last
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
  if (const TemplateId* const known = state.recent.find(state.line.key())) {
    seen.id = state.table.now(*known);
  } else {
    seen = state.table.place(owned(state.line));
    state.recent.put(state.line.key(), seen.id);
  }
  ++state.table.at(seen.id).count;
  state.last = seen.id;
  return seen;
}

std::span<const std::string_view> Miner::parameters() const {
  State& state = *state_;
  state.parameters.clear();
  const std::span<const Token> tokens = state.line.tokens();
  // Lines of one template have as many tokens as its shape; those of kRest have none in common.
  const Shape& shape = state.table.shape(state.last);
  const bool fits = shape.words.size() == tokens.size();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (fits ? is_hole(shape.words[i]) : tokens[i].kind == TokenKind::hole) {
      state.parameters.push_back(state.line.text(tokens[i]));
    }
  }
  return state.parameters;
}

TemplateId Miner::now(TemplateId id) const { return state_->table.now(id); }
bool Miner::knows(TemplateId id) const { return id < state_->table.size(); }
const Template& Miner::at(TemplateId id) const { return state_->table.at(id); }
std::vector<Template> Miner::templates() const { return state_->table.all(); }
std::string Miner::save() const { return state_->table.save(); }

Result<Miner> Miner::load(std::string_view state, MinerOptions options) {
  Miner miner(options);
  TRY(miner.state_->table.load(state));
  return miner;
}

}  // namespace quern::mining
