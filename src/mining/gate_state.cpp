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

namespace quern::mining {
namespace {

constexpr std::string_view kMagic = "quern-gate 1";
constexpr double kMillion = 1e6;

std::uint64_t probe() { return std::hash<std::string_view>()(kMagic); }

void put(std::string& out, std::uint64_t number) { out.append(" ").append(std::to_string(number)); }
void put_millionths(std::string& out, double number) {
  put(out, static_cast<std::uint64_t>(std::llround(std::clamp(number, 0.0, 1e12) * kMillion)));
}

Result<double> millionths(std::string_view text) {
  return static_cast<double>(TRY(parse_number<std::uint64_t>(text))) / kMillion;
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

Result<> Gate::Parameter::read(std::span<const std::string_view> fields) {
  if (fields.size() < 5 || fields.size() > 5 + kFew) {
    return fail(ErrorKind::corrupt_data, "it has another number of fields");
  }
  seen_ = TRY(parse_number<std::uint32_t>(fields[0]));
  numbers_ = TRY(parse_number<std::uint32_t>(fields[1]));
  mean_ = TRY(millionths(fields[2]));
  squares_ = TRY(millionths(fields[3]));
  many_words_ = fields[4] == "1";
  for (const std::string_view word : fields.subspan(5)) {
    words_[words_known_++] = TRY(parse_number<std::uint64_t>(word));
  }
  return {};
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
  bool same_hash = false;
  bool first = true;
  for (const std::string_view line : split(state, '\n')) {
    const std::vector<std::string_view> fields = split(line, ' ');
    if (first) {
      if (line != kMagic) return broken(line);
      first = false;
    } else if (fields[0] == "window" && fields.size() == 3) {
      same_window = fields[1] == std::to_string(options.window.count());
      same_hash = fields[2] == std::to_string(probe());
    } else if (!line.empty() && !gate.read(fields, same_window, same_hash).ok()) {
      return broken(line);
    }
  }
  // One that has not all its parameters is learned anew.
  for (auto& [id, known] : gate.known_) {
    if (known.parameters.size() != std::min(known.holes, options.parameters)) known.holes = 0;
  }
  return gate;
}

Result<> Gate::read(std::span<const std::string_view> fields, bool same_window, bool same_hash) {
  const auto wrong = [] { return fail(ErrorKind::corrupt_data, "no line of a gate"); };
  if (fields.size() < 2) return wrong();
  const auto id = TRY(parse_number<TemplateId>(fields[1]));
  if (fields[0] == "rate" && fields.size() == 6) {
    Known& known = known_[id];
    const auto worst = TRY(parse_number<std::uint8_t>(fields[2]));
    if (worst > static_cast<std::uint8_t>(Severity::debug)) return wrong();
    known.met = true;
    known.worst = static_cast<Severity>(worst);
    // Lines of windows of another length say nothing about these.
    known.windows = same_window ? TRY(parse_number<std::uint32_t>(fields[3])) : 0;
    known.usual = same_window ? TRY(millionths(fields[4])) : 0;
    known.holes = TRY(parse_number<std::size_t>(fields[5]));
    return {};
  }
  const auto known = known_.find(id);
  if (fields[0] != "parameter" || known == known_.end()) return wrong();
  Parameter parameter;
  TRY(parameter.read(fields.subspan(2)));
  const bool room = known->second.parameters.size() < options_.parameters;
  if (same_hash && room) known->second.parameters.push_back(parameter);
  return {};
}

}  // namespace quern::mining
