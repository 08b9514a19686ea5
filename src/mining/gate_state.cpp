// What a gate knows, as lines of text (docs/formats/templates.md):
//
//   quern-gate 1
//   window SECONDS HASH
//   rate ID WORST WINDOWS USUAL HOLES
//   parameter ID SEEN NUMBERS MEAN SQUARES MANY WORD...
//
// Numbers that are no whole ones are in millionths. Words are hashes of this program's library;
// HASH is that of a word that is always the same, so that those of another are known.
#include "base/text.hpp"

#include "mining/gate.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace quern::mining {
namespace {

constexpr std::string_view kMagic = "quern-gate 1";
constexpr double kMillion = 1e6;

std::uint64_t probe() { return std::hash<std::string_view>()(kMagic); }

void put(std::string& out, std::uint64_t number) { out.append(" ").append(std::to_string(number)); }
void put_millionths(std::string& out, double number) {
  put(out, static_cast<std::uint64_t>(std::llround(std::clamp(number, 0.0, 1e12) * kMillion)));
}

double of_millionths(std::uint64_t number) { return static_cast<double>(number) / kMillion; }

// What stands behind the first word of a line; empty: not all of it are numbers.
std::vector<std::uint64_t> numbers_of(std::string_view line) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = line.find(' '); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find(' ', at + 1), line.size());
    const auto number = parse_number<std::uint64_t>(line.substr(at + 1, end - at - 1));
    if (!number.ok()) return {};
    numbers.push_back(*number);
    at = end == line.size() ? std::string_view::npos : end;
  }
  return numbers;
}

Failure broken(std::string_view line) {
  return fail(ErrorKind::corrupt_data,
              "a line of the saved gate is none of its: \"" + printable(line, 80) + "\"");
}

}  // namespace

void Gate::Parameter::write(std::string& out) const {
  put(out, seen_);
  put(out, numbers_);
  put_millionths(out, mean_);
  put_millionths(out, squares_);
  put(out, many_words_ ? 1 : 0);
  // Of many none is looked at.
  for (std::size_t i = 0; i < words_known_ && !many_words_; ++i) put(out, words_[i]);
  out.push_back('\n');
}

bool Gate::Parameter::read(std::span<const std::uint64_t> numbers) {
  if (numbers.size() < 5 || numbers.size() > 5 + kFew) return false;
  seen_ = static_cast<std::uint32_t>(numbers[0]);
  numbers_ = static_cast<std::uint32_t>(numbers[1]);
  mean_ = of_millionths(numbers[2]);
  squares_ = of_millionths(numbers[3]);
  many_words_ = numbers[4] != 0;
  for (const std::uint64_t word : numbers.subspan(5)) words_[words_known_++] = word;
  return true;
}

std::string Gate::save() const {
  std::string out(kMagic);
  out += "\nwindow";
  put(out, static_cast<std::uint64_t>(options_.window.count()));
  put(out, probe());
  out.push_back('\n');
  for (const auto& [id, known] : known_) {
    out += "rate";
    put(out, id);
    put(out, static_cast<std::uint64_t>(known.worst));
    put(out, known.windows);
    put_millionths(out, known.usual);
    put(out, known.holes);
    out.push_back('\n');
    for (const Parameter& parameter : known.parameters) {
      out += "parameter";
      put(out, id);
      parameter.write(out);
    }
  }
  return out;
}

Result<Gate> Gate::load(std::string_view state, GateOptions options) {
  Gate gate(options);
  bool same_window = false;
  Hash hash = Hash::another;
  bool first = true;
  for (const std::string_view line : split(state, '\n')) {
    if (first && line != kMagic) return broken(line);
    if (std::exchange(first, false) || line.empty()) continue;
    const std::vector<std::uint64_t> numbers = numbers_of(line);
    if (line.starts_with("window ") && numbers.size() == 2) {
      same_window = numbers[0] == static_cast<std::uint64_t>(options.window.count());
      hash = numbers[1] == probe() ? Hash::same : Hash::another;
    } else if (line.starts_with("rate ") && numbers.size() == 5 && numbers[0] <= kLastId &&
               numbers[1] <= static_cast<std::uint64_t>(Severity::debug)) {
      Known& known = gate.known_[static_cast<TemplateId>(numbers[0])];
      known.met = true;
      known.worst = static_cast<Severity>(numbers[1]);
      // Lines of windows of another length say nothing about these.
      known.windows = same_window ? static_cast<std::uint32_t>(numbers[2]) : 0;
      known.usual = same_window ? of_millionths(numbers[3]) : 0;
      known.holes = numbers[4];
    } else if (!line.starts_with("parameter ") || !gate.read_parameter(numbers, hash)) {
      return broken(line);
    }
  }
  // One that has not all its parameters is learned anew.
  for (auto& [id, known] : gate.known_) {
    if (known.parameters.size() != std::min(known.holes, options.parameters)) known.holes = 0;
  }
  return gate;
}

bool Gate::read_parameter(std::span<const std::uint64_t> numbers, Hash hash) {
  const auto known = numbers.empty() || numbers[0] > kLastId
                         ? known_.end()
                         : known_.find(static_cast<TemplateId>(numbers[0]));
  Parameter parameter;
  if (known == known_.end() || !parameter.read(numbers.subspan(1))) return false;
  const bool room = known->second.parameters.size() < options_.parameters;
  if (hash == Hash::same && room) known->second.parameters.push_back(parameter);
  return true;
}

}  // namespace quern::mining
