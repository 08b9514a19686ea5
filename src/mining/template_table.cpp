// After Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017)
// and Brain (Yu et al., "Brain: Log Parsing with Bidirectional Parallel Tree", TSC 2023): online as
// the first, and like the second it decides by how many words stand at one place, not by a
// threshold of similarity.
#include "mining/template_table.hpp"

#include "mining/line_shape.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace quern::mining {
namespace {

constexpr std::size_t kNever = SIZE_MAX;
constexpr std::size_t kWordsThatMayVary = 64;  // of a shape, from its beginning
// Of the keys of one shape with a hole more: each is as long as the shape, so long ones get fewer.
constexpr std::size_t kBytesOfKeys = std::size_t{32} << 10U;
constexpr std::size_t kMostNotes = 200'000;  // of alike_; then all are forgotten
constexpr std::size_t kMostNames = 4096;     // of values_

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
  const std::size_t most = std::min(kWordsThatMayVary, kBytesOfKeys / (shape.bytes() + 1) + 1);
  std::vector<std::size_t> words;
  for (std::size_t i = 0; i < shape.words.size() && words.size() < most; ++i) {
    if (has_letter(shape.words[i])) words.push_back(i);
  }
  return words;
}

}  // namespace

std::string Shape::key() const { return HoleKeys(*this).key(); }

HoleKeys::HoleKeys(const Shape& shape) {
  key_.reserve(shape.bytes() + shape.words.size());
  begins_.reserve(shape.words.size());
  for (const std::string& word : shape.words) {
    begins_.push_back(key_.size());
    key_.append(word).push_back(kTokenEnd);
  }
}

std::string HoleKeys::with_hole(std::size_t at) const {
  const std::size_t end = at + 1 < begins_.size() ? begins_[at + 1] : key_.size();
  std::string key;
  key.reserve(key_.size() + 1);
  key.append(key_, 0, begins_[at]).push_back(kHole);
  return key.append(key_, end - 1);
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
  entries_[kRest] = {.known = {.id = kRest, .text = "(further templates)"}, .shape = {}};
}

Seen TemplateTable::place(Shape shape) {
  names_changed_ = false;
  widen(shape);
  TemplateId id = find(shape);
  if (id == kRest && next_ < end_ && full()) thin();
  const bool added = id == kRest && next_ < end_ && !full();
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
  while (true) {  // ends: each leads to an older one
    TemplateId next = kRest;
    if (const auto found = entries_.find(id); found != entries_.end()) {
      next = found->second.now;
    } else if (const auto link = links_.find(id); link != links_.end()) {
      next = link->second;
    }
    if (next == id || next == kRest) return next;
    id = next;
  }
}

TemplateEntry* TemplateTable::now(TemplateEntry* entry) {
  return entry->now == entry->known.id ? entry : this->entry(now(entry->now));
}

TemplateEntry* TemplateTable::entry(TemplateId id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? &entries_.at(kRest) : &found->second;
}

const Template& TemplateTable::at(TemplateId id) const {
  const auto found = entries_.find(id);
  return (found == entries_.end() ? entries_.at(now(id)) : found->second).known;
}

std::vector<const TemplateEntry*> TemplateTable::by_id() const {
  std::vector<const TemplateEntry*> all;
  all.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) all.push_back(&entry);
  std::sort(all.begin(), all.end(), [](const TemplateEntry* a, const TemplateEntry* b) {
    return a->known.id < b->known.id;
  });
  return all;
}

std::vector<Template> TemplateTable::all() const {
  std::vector<Template> all;
  for (const TemplateEntry* const entry : by_id()) {
    if (entry->now != entry->known.id) continue;
    if (entry->known.id != kRest || entry->known.count > 0) all.push_back(entry->known);
  }
  return all;
}

std::vector<std::pair<TemplateId, TemplateId>> TemplateTable::joined() const {
  std::vector<std::pair<TemplateId, TemplateId>> all;
  for (const TemplateEntry* const entry : by_id()) {
    if (entry->now != entry->known.id) all.emplace_back(entry->known.id, now(entry->known.id));
  }
  for (const auto& [id, whole] : links_) all.emplace_back(id, now(whole));
  std::sort(all.begin(), all.end());
  return all;
}

void TemplateTable::touch(TemplateEntry& entry) {
  if (noting_ && !std::exchange(entry.changed, true)) changed_.push_back(entry.known.id);
}

// Makes holes of the values of names that have many. True when the shape changed.
bool TemplateTable::widen(Shape& shape) {
  bool changed = false;
  for (std::size_t i = 2; i < shape.words.size(); ++i) {
    std::string& value = shape.words[i];
    if (shape.words[i - 1] != "=" || is_mark(value) || !is_value(shape.words[i - 2], value)) {
      continue;
    }
    changed = changed || !is_hole(value);
    value.assign(1, kHole);
  }
  return changed;
}

// Has the name so many different ones that this is one of them?
bool TemplateTable::is_value(const std::string& name, const std::string& value) {
  if (varying_.contains(name)) return true;
  const bool enough_names = values_.size() + varying_.size() >= kMostNames;
  if (enough_names && !values_.contains(name)) return false;
  std::set<std::string>& values = values_[name];
  // Values never make room for templates, and so have a part of it alone.
  if (value_bytes_ < options_.bytes / 4 && values.insert(value).second) {
    value_bytes_ += value.size();
    if (noting_) write_value(name, value, values_changed_);
  }
  // Where some values look like such, its words are values as well.
  const bool mixed = values.size() >= 2 && values.contains(std::string(1, kHole));
  if (!mixed && values.size() < options_.values) return false;
  vary(name);
  if (noting_) write_varying(name, values_changed_);
  names_changed_ = true;
  return true;
}

void TemplateTable::vary(const std::string& name) {
  varying_.insert(name);
  const auto values = values_.find(name);
  if (values == values_.end()) return;
  for (const std::string& value : values->second) value_bytes_ -= value.size();
  values_.erase(values);
}

// A name became one whose values vary: the templates that have it lose its values.
void TemplateTable::widen_all() {
  names_changed_ = false;
  for (const TemplateEntry* const one : by_id()) {
    const TemplateId id = one->known.id;
    TemplateEntry& entry = entries_.at(id);
    if (id == kRest || entry.now != id || !widen(entry.shape)) continue;
    entry.known.text = entry.shape.text();
    touch(entry);
    const auto [place, is_new] = places_.try_emplace(entry.shape.key(), Place{.id = id});
    if (is_new) {
      note(id);
    } else {
      merge(id, place->second.id);
    }
  }
}

TemplateId TemplateTable::find(const Shape& shape) {
  const HoleKeys keys(shape);
  if (const auto place = places_.find(keys.key()); place != places_.end())
    return now(place->second.id);
  for (const std::size_t at : words_of(shape)) {
    const auto place = places_.find(keys.with_hole(at));
    if (place == places_.end()) continue;
    if (place->second.varies || announced(shape, at)) {
      mark_varying(place->second);
      return now(place->second.id);
    }
  }
  return kRest;
}

TemplateId TemplateTable::add(Shape shape) {
  const TemplateId id = next_++;
  const std::size_t bytes = shape.bytes();
  bytes_ += bytes;
  places_.insert_or_assign(shape.key(), Place{.id = id});
  Template known{.id = id, .text = shape.text(), .count = 0};
  TemplateEntry& entry = entries_[id];
  entry = {.known = std::move(known),
           .now = id,
           .shape = std::move(shape),
           .bytes = bytes,
           .last = lines_};
  touch(entry);
  return id;
}

// Notes for each word of a template what it would be without the word, and joins those that are
// enough.
void TemplateTable::note(TemplateId id) {
  if (alike_.size() > kMostNotes || alike_bytes_ > options_.bytes) {
    alike_.clear();
    alike_bytes_ = 0;
  }
  const Shape shape = entries_.at(id).shape;
  const HoleKeys keys(shape);
  // It came with a value where others have a name: the names are values.
  if (const auto names = alike_.find(keys.key());
      names != alike_.end() && names->second.announced) {
    mark_varying(places_[keys.key()]);
    for (const TemplateId member : names->second.members) merge(id, member);
    alike_bytes_ -= names->first.size();
    alike_.erase(names);
  }
  const std::vector<std::size_t> words = words_of(shape);
  for (const std::size_t at : words) {
    const std::size_t needed_here = needed(shape, at, words.size());
    if (needed_here != kNever) note_word(id, shape, at, keys.with_hole(at), needed_here);
  }
}

void TemplateTable::note_word(TemplateId id, const Shape& shape, std::size_t at, std::string wide,
                              std::size_t needed_here) {
  const auto place = places_.find(wide);
  if (place != places_.end() && (place->second.varies || announced(shape, at))) {
    mark_varying(place->second);
    merge(id, place->second.id);
    return;
  }
  const std::size_t size = wide.size();
  const auto [noted, first] = alike_.try_emplace(std::move(wide));
  if (first) alike_bytes_ += size;
  noted->second.announced = announced(shape, at);
  std::vector<TemplateId>& members = noted->second.members;
  members.push_back(id);
  for (TemplateId& member : members) member = now(member);
  std::erase(members, kRest);  // went
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  if (members.size() < needed_here) return;
  const auto taken = alike_.extract(noted);
  alike_bytes_ -= size;
  join(taken.key(), taken.mapped().members);
}

void TemplateTable::mark_varying(Place& place) {
  if (std::exchange(place.varies, true)) return;
  if (place.id != kRest && has(place.id)) touch(entries_.at(place.id));
}

void TemplateTable::join(const std::string& wide, const std::vector<TemplateId>& members) {
  for (const TemplateId member : members) merge(members.front(), member);
  const TemplateId id = now(members.front());
  const auto [place, is_new] = places_.try_emplace(wide, Place{.id = id});
  mark_varying(place->second);
  if (!is_new) merge(id, place->second.id);
  note(now(id));
}

// The younger becomes part of the older.
void TemplateTable::merge(TemplateId a, TemplateId b) {
  a = now(a);
  b = now(b);
  if (a == b || a == kRest || b == kRest) return;
  TemplateEntry& older = entries_.at(std::min(a, b));
  TemplateEntry& younger = entries_.at(std::max(a, b));
  younger.now = older.known.id;
  older.known.count += younger.known.count;
  younger.known.count = 0;
  older.last = std::max(older.last, younger.last);
  older.kept = older.kept || younger.kept;
  touch(older);
  touch(younger);
  widen_to(older, younger.shape);
}

// Where the two differ, there is a hole.
void TemplateTable::widen_to(TemplateEntry& entry, const Shape& other) {
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

// A sixteenth goes at a time, that which was not seen for longest, so that it is paid for by as
// many new ones.
void TemplateTable::thin() {
  std::vector<TemplateEntry*> may_go;
  for (auto& [id, entry] : entries_) {
    const TemplateId root = now(id);
    if (std::exchange(entry.now, root) != root) touch(entry);  // what lay between may go
    if (id != kRest && !entry.kept) may_go.push_back(&entry);
  }
  const std::size_t many = std::min(may_go.size(), options_.templates / 16 + 1);
  const auto end = may_go.begin() + static_cast<std::ptrdiff_t>(many);
  const auto age = [](const TemplateEntry* entry) {
    return std::tuple(entry->last, entry->known.count, entry->known.id);
  };
  std::nth_element(may_go.begin(), end, may_go.end(),
                   [&](const auto* a, const auto* b) { return age(a) < age(b); });
  std::set<TemplateId> gone;
  for (auto one = may_go.begin(); one != end; ++one) gone.insert((*one)->known.id);
  std::vector<TemplateId> all;
  for (const auto& [id, entry] : entries_) {
    if (!gone.contains(id) && !gone.contains(entry.now)) continue;
    all.push_back(id);
    if (!gone.contains(entry.now)) links_[id] = entry.now;  // it alone goes
  }
  forget(all);
  clear_up();
}

// Their lines are counted on, under kRest.
void TemplateTable::forget(const std::vector<TemplateId>& ids) {
  for (const TemplateId id : ids) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) links_.erase(id);
    if (id == kRest || found == entries_.end()) continue;
    TemplateEntry& entry = found->second;
    entries_.at(kRest).known.count += entry.known.count;
    if (entry.now == id) ++forgotten_;
    ++erased_;
    bytes_ -= entry.bytes;
    if (noting_) gone_.push_back(id);
    entries_.erase(found);
  }
}

// No shape and no part leads to what went. Notes do, until they are looked at or forgotten.
void TemplateTable::clear_up() {
  std::erase_if(places_, [&](const auto& place) {
    return place.second.id == kRest || !has(place.second.id);
  });
  std::erase_if(links_, [&](const auto& link) { return now(link.second) == kRest; });
  for (; links_.size() > options_.templates; links_.erase(links_.begin())) {
    if (noting_) gone_.push_back(links_.begin()->first);
  }
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
