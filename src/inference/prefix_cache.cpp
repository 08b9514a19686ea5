#include "inference/prefix_cache.hpp"

#include <algorithm>
#include <utility>

namespace quern::inference {

// `run` lies at positions [begin, begin + run.size()). In the context while `sequence` is set;
// otherwise its cells are in `saved`. Both at once after a restore: the bytes stay true.
struct PrefixCache::Node {
  Node* parent = nullptr;
  std::vector<Token> run;
  std::uint32_t begin = 0;
  std::optional<Sequence> sequence;
  Buffer saved;
  std::uint64_t last_used = 0;
  Nodes children;

  std::uint32_t size() const { return static_cast<std::uint32_t>(run.size()); }
  std::uint32_t end() const { return begin + size(); }
  bool is_root() const { return parent == nullptr; }
};

PrefixCache::PrefixCache(Decoder& decoder, SequencePool& pool, Limits limits)
    : decoder_(decoder),
      pool_(pool),
      limits_{.tokens = decoder.shape().shares ? limits.tokens : 0, .memory = limits.memory} {}

PrefixCache::~PrefixCache() = default;

std::uint32_t PrefixCache::attach(const std::string& space, std::span<const Token> tokens,
                                  Sequence to, std::uint32_t from) {
  if (limits_.tokens == 0) return 0;
  auto path = find(space, tokens);
  ++clock_;
  // All of it before bring_in, which may remove what this call has not touched.
  for (const Step& step : path) step.node->last_used = clock_;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i].end > from && !bring_in(*path[i].node)) path.resize(i);
  }
  while (!path.empty() && path.back().end > from && !usable(path)) path.pop_back();
  if (path.empty() || path.back().end <= from) return 0;
  // Only what is shared is in use from now on; the rest of a long node may leave the context.
  if (path.back().end < path.back().node->end()) {
    if (Node* const upper = split(*path.back().node, path.back().end)) path.back().node = upper;
  }
  for (const Step& step : path) {
    if (step.end <= from) continue;
    decoder_.share(*step.node->sequence, to, {std::max(from, step.node->begin), step.end});
  }
  return path.back().end;
}

void PrefixCache::keep(const std::string& space, std::span<const Token> tokens, Sequence from) {
  if (tokens.size() > limits_.tokens || tokens.empty()) return;
  auto path = find(space, tokens);
  auto& root = roots_[space];
  if (!root) root = std::make_unique<Node>();
  ++clock_;
  for (const Step& step : path) step.node->last_used = clock_;
  Node* parent = path.empty() ? root.get() : path.back().node;
  const std::uint32_t known = path.empty() ? 0 : path.back().end;
  if (known == tokens.size()) return;
  if (!parent->is_root() && known < parent->end()) parent = split(*parent, known);
  const auto sequence = parent != nullptr ? take_sequence() : std::nullopt;
  if (!sequence) return;

  auto node = std::make_unique<Node>();
  node->parent = parent;
  node->run.assign(tokens.begin() + known, tokens.end());
  node->begin = known;
  node->sequence = sequence;
  node->last_used = clock_;
  decoder_.share(from, *sequence, {node->begin, node->end()});
  tokens_ += node->size();
  parent->children.emplace(node->run.front(), std::move(node));
  shrink();
}

bool PrefixCache::free_cells() {
  ++clock_;  // nothing is in use
  return make_room();
}

void PrefixCache::mark(const std::string& space, std::span<const Token> tokens) {
  for (const Step& step : find(space, tokens)) step.node->last_used = clock_;
}

bool PrefixCache::settle(std::uint32_t most) {
  const auto idle = [&](const Node& a) { return a.sequence && a.last_used != clock_; };
  for (std::uint32_t moved = 0;;) {
    Node* const node = oldest(idle);
    if (node == nullptr) return true;
    if (moved >= most) return false;
    moved += node->size();
    if (!move_out(*node)) return true;  // no memory: it stays
  }
}

// Follows `tokens` down from the space's root; the last step may end inside its node.
std::vector<PrefixCache::Step> PrefixCache::find(const std::string& space,
                                                 std::span<const Token> tokens) const {
  std::vector<Step> path;
  const auto root = roots_.find(space);
  if (root == roots_.end()) return path;
  std::uint32_t at = 0;
  for (const Node* node = root->second.get(); at < tokens.size();) {
    const auto child = node->children.find(tokens[at]);
    if (child == node->children.end()) break;
    Node& next = *child->second;
    const auto rest = tokens.subspan(at);
    const auto same = std::mismatch(rest.begin(), rest.end(), next.run.begin(), next.run.end());
    at += static_cast<std::uint32_t>(same.second - next.run.begin());
    path.push_back({&next, at});
    if (at < next.end()) break;
    node = &next;
  }
  return path;
}

// With sliding attention a node may have lost cells that a continuation would still look at.
bool PrefixCache::usable(const std::vector<Step>& path) const {
  const std::uint32_t window = decoder_.shape().window;
  if (window == 0) return true;
  const std::uint32_t length = path.back().end;
  const std::uint32_t seen_from = length > window ? length - window : 0;
  return std::all_of(path.begin(), path.end(), [&](const Step& step) {
    if (step.end <= seen_from || !step.node->sequence) return true;
    return decoder_.whole_from(*step.node->sequence) <= std::max(step.node->begin, seen_from);
  });
}

bool PrefixCache::bring_in(Node& node) {
  if (node.sequence) return true;
  const auto sequence = take_sequence();
  if (!sequence) return false;
  while (!decoder_.restore(*sequence, node.saved)) {
    if (make_room()) continue;
    pool_.give_back(*sequence);
    return false;
  }
  node.sequence = sequence;
  return true;
}

// Frees cells and a sequence, but never those of the nodes that the current call has touched.
bool PrefixCache::make_room() {
  const auto old = [&](const Node& node) { return node.sequence && node.last_used != clock_; };
  Node* const node = oldest(old);
  if (node != nullptr && move_out(*node)) return true;
  Node* const leaf = oldest([&](const Node& a) { return old(a) && a.children.empty(); });
  if (leaf == nullptr) return false;
  remove(*leaf);
  return true;
}

bool PrefixCache::move_out(Node& node) {
  if (node.saved.empty()) {
    node.saved = decoder_.save(*node.sequence);
    saved_.count += node.saved.size();
    if (!make_memory_for(node)) forget_saved(node);
  }
  if (node.saved.empty()) return false;
  leave_context(node);
  return true;
}

// True: what is saved fits, with that of `node`.
bool PrefixCache::make_memory_for(const Node& node) {
  while (saved_ > limits_.memory) {
    const auto other = [&](const Node& a) { return !a.saved.empty() && &a != &node; };
    // What lies in the context as well is only quicker to move out with its copy.
    if (Node* const twice = oldest([&](const Node& a) { return other(a) && a.sequence; })) {
      forget_saved(*twice);
      continue;
    }
    Node* const leaf = oldest(
        [&](const Node& a) { return other(a) && a.children.empty() && a.last_used != clock_; });
    if (leaf == nullptr) return false;
    remove(*leaf);
  }
  return true;
}

void PrefixCache::forget_saved(Node& node) {
  saved_.count -= node.saved.size();
  node.saved = Buffer();
}

void PrefixCache::leave_context(Node& node) {
  if (!node.sequence) return;
  decoder_.drop(*node.sequence, {node.begin, node.end()});
  pool_.give_back(*node.sequence);
  node.sequence.reset();
}

// Cuts `node` at position `at`; the upper part becomes its parent and is returned.
PrefixCache::Node* PrefixCache::split(Node& node, std::uint32_t at) {
  if (!bring_in(node)) return nullptr;
  const auto sequence = take_sequence();
  if (!sequence) return nullptr;
  auto upper = std::make_unique<Node>();
  upper->parent = node.parent;
  upper->begin = node.begin;
  upper->run.assign(node.run.begin(), node.run.begin() + (at - node.begin));
  upper->sequence = sequence;
  upper->last_used = node.last_used;
  decoder_.share(*node.sequence, *sequence, {node.begin, at});
  decoder_.drop(*node.sequence, {node.begin, at});
  forget_saved(node);  // told of the whole run

  auto& place = node.parent->children.at(node.run.front());
  std::unique_ptr<Node> lower = std::move(place);
  place = std::move(upper);
  lower->run.erase(lower->run.begin(), lower->run.begin() + (at - lower->begin));
  lower->begin = at;
  lower->parent = place.get();
  place->children.emplace(lower->run.front(), std::move(lower));
  return place.get();
}

void PrefixCache::remove(Node& node) {
  leave_context(node);
  forget_saved(node);
  tokens_ -= node.size();
  node.parent->children.erase(node.run.front());  // `node` is gone
}

std::optional<Sequence> PrefixCache::take_sequence() {
  auto sequence = pool_.take();
  if (!sequence && make_room()) sequence = pool_.take();
  return sequence;
}

void PrefixCache::shrink() {
  while (tokens_ > limits_.tokens) {
    remove(*oldest([](const Node& a) { return a.children.empty(); }));
  }
  std::erase_if(roots_, [](const auto& entry) { return entry.second->children.empty(); });
}

// A parent before its children.
template <class Visit>
void PrefixCache::each(const Visit& visit) const {
  const auto walk = [&](const auto& self, const Nodes& nodes) -> void {
    for (const auto& [token, node] : nodes) {
      visit(*node);
      self(self, node->children);
    }
  };
  for (const auto& [space, root] : roots_) walk(walk, root->children);
}

// The least recently used node that fits. Among equals the deeper one: a path is used together and
// its end is the part that fewest others need.
template <class Fits>
PrefixCache::Node* PrefixCache::oldest(const Fits& fits) const {
  Node* found = nullptr;
  each([&](Node& node) {
    const bool older = found == nullptr || node.last_used < found->last_used ||
                       (node.last_used == found->last_used && node.begin > found->begin);
    if (older && fits(node)) found = &node;
  });
  return found;
}

std::uint32_t PrefixCache::cells() const {
  std::uint32_t cells = 0;
  each([&](const Node& node) { cells += node.sequence ? node.size() : 0; });
  return cells;
}

}  // namespace quern::inference
