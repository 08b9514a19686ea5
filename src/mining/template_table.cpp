// After Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017)
// and Brain (Yu et al., "Brain: Log Parsing with Bidirectional Parallel Tree", TSC 2023): online as
// the first, and like the second it decides by how many words stand at one place, not by a
// threshold of similarity.
#include "mining/template_table.hpp"

#include "base/check.hpp"

#include "mining/line_shape.hpp"

#include <algorithm>
#include <array>

namespace quern::mining {
namespace {

constexpr std::size_t kNever = SIZE_MAX;
constexpr std::size_t kWordsThatMayVary = 64;  // of a shape, from its beginning
constexpr std::size_t kMostNotes = 200'000;    // of alike_; then all are forgotten
constexpr std::size_t kMostNames = 4096;       // of values_

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}
bool has_letter(const std::string& word) {
  return std::any_of(word.begin(), word.end(), is_letter);
}
bool is_mark(const std::string& word) {
  static constexpr std::string_view kMarks = "=:,;()[]{}<>\"'|";
  return word.size() == 1 && kMarks.find(word[0]) != std::string_view::npos;
}

// Behind these words stands a name, as good as always.
bool announces_a_name(std::string_view word) {
  static constexpr std::array<std::string_view, 6> kWords{"user",     "host", "hostname",
                                                          "username", "from", "device"};
  std::string lower(word);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

bool announced(const Shape& shape, std::size_t at) {
  return at > 0 && announces_a_name(shape.words[at - 1]);
}

std::vector<std::size_t> words_of(const Shape& shape) {
  std::vector<std::size_t> words;
  for (std::size_t i = 0; i < shape.words.size() && words.size() < kWordsThatMayVary; ++i) {
    if (has_letter(shape.words[i])) words.push_back(i);
  }
  return words;
}

}  // namespace

std::string Shape::key() const { return key_with_hole(words.size()); }

std::string Shape::key_with_hole(std::size_t at) const {
  std::string key;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i == at) {
      key.push_back(kHole);
    } else {
      key.append(words[i]);
    }
    key.push_back(kTokenEnd);
  }
  return key;
}

std::size_t Shape::bytes() const {
  std::size_t bytes = 0;
  for (const std::string& word : words) bytes += word.size();
  return bytes;
}

std::string Shape::text() const {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (spaced[i] && i > 0) text.push_back(' ');
    text.append(is_hole(words[i]) ? "<*>" : words[i]);
  }
  return text;
}

TemplateTable::TemplateTable(MinerOptions options) : options_(options) {
  entries_.push_back({.known = {.id = kRest, .text = "(further templates)", .count = 0},
                      .now = kRest,
                      .shape = {}});
}

Seen TemplateTable::place(Shape shape) {
  names_changed_ = false;
  widen(shape);
  TemplateId id = find(shape);
  const bool added = id == kRest && !full();
  if (added) {
    id = add(std::move(shape));
    note(id);
  }
  while (names_changed_)
    widen_all();  // ends: each turn makes one more name vary, and names are bounded
  const TemplateId known = now(id);
  return {.id = known, .is_new = added && known == id};
}

TemplateId TemplateTable::now(TemplateId id) const {
  CHECK(id < entries_.size(), "a template id of another miner");
  while (entries_[id].now != id) id = entries_[id].now;
  return id;
}

std::vector<Template> TemplateTable::all() const {
  std::vector<Template> all;
  for (const Entry& entry : entries_) {
    if (entry.now == entry.known.id && (entry.known.id != kRest || entry.known.count > 0)) {
      all.push_back(entry.known);
    }
  }
  return all;
}

// Makes holes of the values of names that have many. True when the shape changed.
bool TemplateTable::widen(Shape& shape) {
  bool changed = false;
  for (std::size_t i = 2; i < shape.words.size(); ++i) {
    std::string& value = shape.words[i];
    if (shape.words[i - 1] != "=" || is_mark(value)) continue;
    const std::string& name = shape.words[i - 2];
    if (!varying_.contains(name)) {
      const bool enough_names = values_.size() + varying_.size() >= kMostNames;
      if (enough_names && !values_.contains(name)) continue;
      std::set<std::string>& values = values_[name];
      if (!full() && values.insert(value).second) bytes_ += value.size();
      // Where some values look like such, its words are values as well.
      const bool mixed = values.size() >= 2 && values.contains(std::string(1, kHole));
      if (!mixed && values.size() < options_.values) continue;
      varying_.insert(name);
      values_.erase(name);
      names_changed_ = true;
    }
    changed = changed || !is_hole(value);
    value.assign(1, kHole);
  }
  return changed;
}

// A name became one whose values vary: the templates that have it lose its values.
void TemplateTable::widen_all() {
  names_changed_ = false;
  for (TemplateId id = 1; id < entries_.size(); ++id) {
    if (entries_[id].now != id || !widen(entries_[id].shape)) continue;
    entries_[id].known.text = entries_[id].shape.text();
    const auto [place, is_new] = places_.try_emplace(entries_[id].shape.key(), Place{.id = id});
    if (is_new) {
      note(id);
    } else {
      merge(id, place->second.id);
    }
  }
}

TemplateId TemplateTable::find(const Shape& shape) {
  if (const auto place = places_.find(shape.key()); place != places_.end())
    return now(place->second.id);
  for (const std::size_t at : words_of(shape)) {
    const auto place = places_.find(shape.key_with_hole(at));
    if (place == places_.end()) continue;
    if (place->second.varies || announced(shape, at)) {
      place->second.varies = true;
      return now(place->second.id);
    }
  }
  return kRest;
}

TemplateId TemplateTable::add(Shape shape) {
  const auto id = static_cast<TemplateId>(entries_.size());
  bytes_ += shape.bytes();
  places_.insert_or_assign(shape.key(), Place{.id = id});
  Template known{.id = id, .text = shape.text(), .count = 0};
  entries_.push_back({.known = std::move(known), .now = id, .shape = std::move(shape)});
  return id;
}

// Notes for each word of a template what it would be without the word, and joins those that are
// enough.
void TemplateTable::note(TemplateId id) {
  if (alike_.size() > kMostNotes || alike_bytes_ > options_.bytes) {
    alike_.clear();
    alike_bytes_ = 0;
  }
  const Shape shape = entries_[id].shape;
  // It came with a value where others have a name: the names are values.
  if (const auto names = alike_.find(shape.key());
      names != alike_.end() && names->second.announced) {
    places_[shape.key()].varies = true;
    for (const TemplateId member : names->second.members) merge(id, member);
    alike_bytes_ -= names->first.size();
    alike_.erase(names);
  }
  const std::vector<std::size_t> words = words_of(shape);
  for (const std::size_t at : words) {
    const std::size_t needed_here = needed(shape, at, words.size());
    if (needed_here == kNever) continue;
    const std::string wide = shape.key_with_hole(at);
    const auto place = places_.find(wide);
    if (place != places_.end() && (place->second.varies || announced(shape, at))) {
      place->second.varies = true;
      merge(id, place->second.id);
      continue;
    }
    const auto [noted, first] = alike_.try_emplace(wide);
    if (first) alike_bytes_ += wide.size();
    Alike& alike = noted->second;
    alike.announced = announced(shape, at);
    std::vector<TemplateId>& members = alike.members;
    members.push_back(id);
    for (TemplateId& member : members) member = now(member);
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    if (members.size() < needed_here) continue;
    const std::vector<TemplateId> enough = std::move(members);
    alike_.erase(noted);
    alike_bytes_ -= wide.size();
    join(wide, enough);
  }
}

void TemplateTable::join(const std::string& wide, const std::vector<TemplateId>& members) {
  for (const TemplateId member : members) merge(members.front(), member);
  const TemplateId id = now(members.front());
  const auto [place, is_new] = places_.try_emplace(wide, Place{.id = id});
  place->second.varies = true;
  if (!is_new) merge(id, place->second.id);
  note(now(id));
}

// The younger becomes part of the older.
void TemplateTable::merge(TemplateId a, TemplateId b) {
  a = now(a);
  b = now(b);
  if (a == b) return;
  Entry& older = entries_[std::min(a, b)];
  Entry& younger = entries_[std::max(a, b)];
  younger.now = older.known.id;
  older.known.count += younger.known.count;
  younger.known.count = 0;
  widen_to(older, younger.shape);
}

// Where the two differ, there is a hole.
void TemplateTable::widen_to(Entry& entry, const Shape& other) {
  Shape& shape = entry.shape;
  if (shape.words.size() != other.words.size()) return;  // of a state that nobody saved
  bool wider = false;
  for (std::size_t i = 0; i < shape.words.size(); ++i) {
    if (is_hole(shape.words[i]) || shape.words[i] == other.words[i]) continue;
    shape.words[i].assign(1, kHole);
    wider = true;
  }
  if (!wider) return;
  entry.known.text = shape.text();
  places_.try_emplace(shape.key(), Place{.id = entry.known.id, .varies = true});
}

// How many templates must differ in this word alone before it is a hole.
std::size_t TemplateTable::needed(const Shape& shape, std::size_t at, std::size_t words) const {
  if (at > 0 && shape.words[at - 1] == "=") return kNever;  // widen() decides about values
  if (words < 2) return kNever;                             // nothing would be left
  if (announced(shape, at)) return 2;
  // With one other word, it takes more; the first is what the line is about.
  if (words == 2) return at > 0 ? options_.alike + 2 : kNever;
  return options_.alike;
}

}  // namespace quern::mining
