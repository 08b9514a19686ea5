// Prompts that begin alike are computed once.
//
// A radix tree per tenant over tokens. A node owns a run of tokens and holds their cells under a
// sequence of its own, so that a prefix is attached to a new sequence by sharing cells, and
// evicting a leaf frees exactly its run (cells that a running sequence shares stay with that one).
// Bounded in tokens, in sequence numbers and in bytes outside the context; the least recently used
// leaf goes first.
//
// llama.cpp's attention looks at every cell of the context, used by the sequence or not, so cells
// that nobody is using slow everybody down. While others run, `settle` therefore moves idle nodes
// out of the context into plain memory, and `attach` brings back what it needs by copying.
#pragma once

#include "inference/decoder.hpp"
#include "inference/sequence_pool.hpp"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quern::inference {

class PrefixCache {
 public:
  struct Limits {
    std::uint32_t tokens = 0;  // in the context and outside; 0 switches it off
    Bytes memory;              // for what is outside the context
  };
  // Decoder and pool outlive the cache.
  PrefixCache(Decoder& decoder, SequencePool& pool, Limits limits);
  ~PrefixCache();

  // Finds the longest cached beginning of `tokens` in `space` and shares its cells from position
  // `from` on with the sequence `to`. Returns its length; at most `from` means nothing was shared.
  std::uint32_t attach(const std::string& space, std::span<const Token> tokens, Sequence to,
                       std::uint32_t from);
  // Remembers `tokens`, whose cells the sequence `from` holds; `from` keeps its own hold.
  void keep(const std::string& space, std::span<const Token> tokens, Sequence from);

  // Frees the cells of the least recently used node in the context. False: there is none.
  bool free_cells();
  // After begin_marking(), whatever mark() was not told of is idle.
  void begin_marking() { ++clock_; }
  void mark(const std::string& space, std::span<const Token> tokens);
  // Moves idle nodes out of the context, the least recently used first, until about `most` cells
  // are moved. False: idle ones are left.
  bool settle(std::uint32_t most);

  std::uint32_t tokens() const { return tokens_; }
  std::uint32_t cells() const;  // of cached nodes in the context; walks the tree
  Bytes memory() const { return saved_; }

 private:
  struct Node;
  struct Step {  // one node of a path and how many of the query's tokens match up to its end
    Node* node;
    std::uint32_t end;
  };
  using Nodes = std::map<Token, std::unique_ptr<Node>>;

  std::vector<Step> find(const std::string& space, std::span<const Token> tokens) const;
  bool usable(const std::vector<Step>& path) const;
  bool bring_in(Node& node);
  bool move_out(Node& node);
  void leave_context(Node& node);
  bool make_memory_for(const Node& node);
  void forget_saved(Node& node);
  bool make_room();
  Node* split(Node& node, std::uint32_t at);
  void remove(Node& node);
  std::optional<Sequence> take_sequence();
  void shrink();
  template <class Visit>
  void each(const Visit& visit) const;
  template <class Fits>
  Node* oldest(const Fits& fits) const;

  Decoder& decoder_;
  SequencePool& pool_;
  const Limits limits_;
  std::uint32_t tokens_ = 0;
  Bytes saved_;
  std::uint64_t clock_ = 0;
  std::map<std::string, std::unique_ptr<Node>> roots_;
};

}  // namespace quern::inference
