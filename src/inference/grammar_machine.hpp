// Walks a grammar letter by letter, with a bound on the work of each walk.
//
// A grammar is a pushdown machine. A frame says which item is wanted next and which frame goes on
// after its rule; frames are shared, so a place in the grammar is one number, however deep. A state
// is the set of all places where a text may be. Both are kept and found again, and with them the
// way from a state over a letter, so that common grammars walk through tables.
//
// An ambiguous grammar can be in more places than there is memory for, and a left-recursive one in
// infinitely many. Every look at a frame is therefore paid from an allowance; when that is spent
// the machine stands still (`exhausted`) and what it says is not to be trusted.
//
// Not thread-safe.
#pragma once

#include "inference/gbnf.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace quern::inference {

class GrammarMachine {
 public:
  using State = std::uint32_t;
  static constexpr State kNowhere = 0;  // the text does not fit

  explicit GrammarMachine(GrammarRules rules);

  // One unit is a look at a frame, which takes some nanoseconds.
  void allow(std::uint64_t work) { left_ = work; }
  bool exhausted() const { return left_ == 0; }

  State start();
  State after(State state, char32_t letter);
  // Is `token` itself wanted, whatever its text; and what follows it then?
  bool takes_token(State state, Token token);
  State after_token(State state, Token token);
  State either(State a, State b);
  // May the text end here?
  bool complete(State state) const { return states_[state].complete; }
  // Is a token itself wanted somewhere?
  bool wants_token(State state) const { return states_[state].wants_token; }
  // May a letter of this range come next?
  bool takes_some(State state, CharRange range);

  // Forgets everything but this state once a lot is known; returns it under its new number.
  State tidy(State state);

 private:
  using FrameId = std::uint32_t;
  struct Frame {
    std::uint32_t item = 0;
    std::uint32_t count = 0;  // of a repetition: how often it was
    FrameId parent = 0;
    bool operator==(const Frame&) const = default;
  };
  struct Way {
    std::vector<FrameId> fitting;  // the frames that took the letter
    State to;
  };
  struct Place {
    std::vector<FrameId> frames;  // sorted; each wants a letter or a token
    bool complete = false;
    bool wants_token = false;
    std::vector<State> after;  // by class of letters, once one was asked for
    std::vector<Way> ways;
  };

  bool pay(std::uint64_t work);
  const GrammarItem& item_of(FrameId frame) const { return rules_.items[frames_[frame].item]; }
  FrameId intern(Frame frame);
  FrameId next(FrameId frame);
  bool takes(const GrammarItem& item, char32_t letter) const;
  std::size_t class_of(char32_t letter) const;
  State find_way(State state, char32_t letter);
  void enter(std::uint32_t rule, FrameId then);
  void expand(FrameId frame);
  // The state of all places that can be reached from `todo_` without a letter.
  State settle();
  State keep(Place place);
  std::vector<FrameId> keep_only(const std::vector<FrameId>& frames);
  static std::size_t hash_of(const Frame& frame);
  static std::size_t hash_of(const Place& place);

  const GrammarRules rules_;
  // Where a class of letters begins that no item tells apart; and the classes of the first letters.
  std::vector<char32_t> classes_;
  std::vector<std::uint32_t> ascii_;
  std::uint64_t left_ = 0;
  std::vector<Frame> frames_;    // [0]: the end of the text
  std::size_t kept_frames_ = 0;  // of the last tidying
  std::unordered_multimap<std::size_t, FrameId> frames_by_hash_;
  std::vector<Place> states_;  // [0]: nowhere
  std::unordered_multimap<std::size_t, State> states_by_hash_;
  std::vector<FrameId> todo_;
  std::vector<std::uint64_t> seen_;  // by frame: the walk that has seen it last
  std::uint64_t walk_ = 0;
};

}  // namespace quern::inference
