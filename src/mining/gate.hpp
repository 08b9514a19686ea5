// The cheap look before the expensive one: which lines are worth a model's time.
//
// A line passes when something about it is new: its template, its rate, a parameter, its severity.
// On steady traffic next to none does. The gate only ever asks for more attention; it silences
// nothing.
#pragma once

#include "mining/mining.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quern::mining {

// As in RFC 5424, from the worst to the least.
enum class Severity : std::uint8_t {
  emergency,
  alert,
  critical,
  error,
  warning,
  notice,
  info,
  debug
};

struct GateOptions {
  // New templates of this severity or worse pass. Others are only learned.
  Severity at_least = Severity::warning;
  std::chrono::seconds window{60};     // lines of a template are counted in such
  std::uint32_t windows_to_learn = 5;  // before a rate can be unusual
  // A count passes when it is this many standard deviations of a Poisson process above the usual.
  double deviations = 6;
  std::uint32_t lines_to_learn = 200;  // of a template, before a parameter can be unusual
  std::size_t parameters = 8;          // of a template, from its first hole on, that are looked at
};

struct Reasons {
  bool new_template = false;
  bool severity = false;   // a known template, for the first time as bad as this
  bool rate = false;       // more lines in this window than usual; told once a window
  bool parameter = false;  // a number of another size, or a word where there were few

  bool any() const { return new_template || severity || rate || parameter; }
};

// What of a line the gate looks at.
struct Sight {
  Seen seen;
  std::span<const std::string_view> parameters;
  Severity severity = Severity::info;
  std::chrono::seconds time{};  // since any fixed point; an earlier one than before counts as now
};

class Gate {
 public:
  explicit Gate(GateOptions options = {}) : options_(options) {}
  Reasons judge(const Sight& sight);

  // Templates became part of others, or went: what is known of them goes.
  template <class Now>
  void follow(Now now) {
    std::erase_if(known_, [&](const auto& one) { return now(one.first) != one.first; });
  }
  // Those are new once more; what is usual of them is not forgotten.
  template <class Which>
  void meet_again(Which which) {
    for (auto& [id, known] : known_) known.met = known.met && !which(id);
  }

  // What is usual, as text (docs/formats/templates.md). The time until it is loaded does not count:
  // nobody knows what came in it.
  std::string save() const;
  // corrupt_data: a text that save() did not write.
  static Result<Gate> load(std::string_view state, GateOptions options = {});

 private:
  // Numbers by their size, words as they are.
  class Parameter {
   public:
    // True when `value` is unlike all that were learned; learns it.
    bool learn(std::string_view value, std::uint32_t lines_to_learn);

    void write(std::string& out) const;
    // The fields behind "parameter ID".
    Result<> read(std::span<const std::string_view> fields);

   private:
    bool learn_number(double number, bool enough);
    bool learn_word(std::string_view word, bool enough);

    static constexpr std::size_t kFew = 16;
    std::uint32_t seen_ = 0;
    std::uint32_t numbers_ = 0;
    double mean_ = 0;  // of log10(1 + |number|)
    double squares_ = 0;
    std::array<std::uint64_t, kFew> words_{};  // hashes
    std::size_t words_known_ = 0;
    bool many_words_ = false;
  };
  struct Known {
    bool met = false;    // a line of it was judged, and it is no longer new
    bool begun = false;  // its window
    Severity worst = Severity::debug;
    std::chrono::seconds window{};
    std::uint32_t in_window = 0;
    std::uint32_t windows = 0;
    double usual = 0;  // lines a window, moving average
    bool told = false;
    std::size_t holes = 0;  // of the template; when it gets one more, all are learned anew
    std::vector<Parameter> parameters;
  };

  bool unusual_rate(Known& known, std::chrono::seconds time) const;
  Result<> read(std::span<const std::string_view> fields, bool same_window, bool same_hash);

  const GateOptions options_;
  std::unordered_map<TemplateId, Known> known_;
};

}  // namespace quern::mining
