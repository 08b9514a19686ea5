// How many threads compute the next step, from how long the last ones took.
//
// ggml's threads meet at a barrier after every operation, and who waits there spins. While another
// program has the processor of one of them, the others spin for its whole time slice, hundreds of
// times a step: two threads beside two busy programs are a tenth as fast as one. On a machine that
// is otherwise quiet nothing is tried and nothing is changed.
//
// Pure logic without a clock; one context's one thread calls it. It allocates when it is made only.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quern::inference {

class ThreadGovernor {
 public:
  using Time = std::chrono::nanoseconds;

  struct Step {
    std::uint32_t tokens = 1;
    Time wall{};
    Time ran{};  // how long of `wall` the calling thread had a processor
  };

  // `most`: the number that a quiet machine always gets; at least 1.
  explicit ThreadGovernor(std::uint32_t most);

  // For the next step.
  std::uint32_t threads() const { return levels_[level_]; }
  // After each.
  void took(const Step& step);
  // Every number that threads() may answer, downwards; valid as long as the governor.
  std::span<const std::uint32_t> levels() const { return levels_; }

 private:
  // What the steps of one class cost at one level.
  class History {
   public:
    void add(double cost);
    void forget_recent() { seen_ = 0; }
    std::size_t seen() const { return seen_; }  // of the last four
    // The second least of the last four: what all but one of them cost, or more.
    double recent() const;
    double usual() const { return usual_; }

   private:
    std::array<double, 4> last_{};
    std::size_t next_ = 0;
    std::size_t seen_ = 0;
    double usual_ = 0;
    std::uint32_t age_ = 0;
  };

  // The computing time between two looks at another level; doubles when one brought nothing.
  struct Patience {
    Time longest;
    Time wait{};
    Time passed{};
    bool over() const { return passed >= wait; }
    void fruitless();
  };

  enum class Doing : std::uint8_t { settled, descending, probing };
  // Classes of steps that may be compared: by the bit width of their tokens.
  using Row = std::array<History, 33>;

  History& here(std::size_t kind) { return histories_[level_][kind]; }
  bool in_trouble(const History& history) const;
  void look_around(std::size_t kind, double cost);
  void leave_for(std::size_t level, std::size_t kind, Doing doing);
  void descend(std::size_t kind, double last);
  void end_descent();
  void probe(std::size_t kind, const Step& step);
  void enter(std::size_t level);
  void settle(std::size_t level);

  std::vector<std::uint32_t> levels_;  // [0] is the most
  std::vector<Row> histories_;         // one a level
  std::size_t level_ = 0;
  Doing doing_ = Doing::settled;
  Patience lower_;
  Patience higher_;
  bool climbing_ = false;     // the last look upwards was worth it: the next may follow at once
  std::uint8_t starved_ = 0;  // a bit for each of the last steps, the last one lowest
  std::uint32_t steps_ = 0;   // at the level that is being tried
  std::size_t kind_ = 0;      // the class in which levels are compared, while one is tried,
  std::size_t from_ = 0;      // the level that was left for it,
  std::size_t best_ = 0;      // the best one so far,
  double best_cost_ = 0;      // what its steps cost,
  double usual_cost_ = 0;     // and what they usually cost where trouble began
};

}  // namespace quern::inference
