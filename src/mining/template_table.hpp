// The templates, and how two of them become one.
//
// A shape that is not known takes its place in this order:
//   1. values behind "name=" become holes once the name has had enough different ones;
//   2. a known shape that has a hole where this one has a word, when that word is known to vary;
//   3. a new template. Every word of it is noted: once enough templates differ in that word alone,
//      it is a hole, and they are one template, under the oldest id.
// So "Invalid user bob" needs no rule, while "VM Paused" and "VM Resumed", of which there are few,
// stay apart.
#pragma once

#include "mining/line_shape.hpp"
#include "mining/mining.hpp"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quern::mining {

// A shape that owns its words.
struct Shape {
  std::vector<std::string> words;  // marks too; a hole is the one character kHole
  std::vector<bool> spaced;        // a blank stands before the word

  std::string key() const;
  std::string text() const;
  std::size_t bytes() const;  // of its words
};

// The keys of a shape, with a hole more at one word.
class HoleKeys {
 public:
  explicit HoleKeys(const Shape& shape);
  const std::string& key() const { return key_; }
  std::string with_hole(std::size_t at) const;

 private:
  std::string key_;
  std::vector<std::size_t> begins_;  // of the words in it
};

inline bool is_hole(std::string_view word) { return word.size() == 1 && word[0] == kHole; }

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};
template <class Value>
using StringMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;

struct TemplateEntry {
  Template known;
  TemplateId now = kRest;  // itself, or one that it became part of
  Shape shape;
  std::size_t bytes = 0;   // of its words, as they first were
  std::uint64_t last = 0;  // line of the table that it was seen in last
  bool kept = false;       // does not go
  bool changed = false;    // since the last changes()
};

// Lines of the state that stand for themselves (template_state.cpp).
void write_value(std::string_view name, std::string_view value, std::string& out);
void write_varying(std::string_view name, std::string& out);
void write_part(TemplateId id, TemplateId now, std::string& out);

class TemplateTable {
 public:
  explicit TemplateTable(MinerOptions options);

  Seen place(Shape shape);
  void count(TemplateEntry& entry) {
    ++entry.known.count;
    entry.last = ++lines_;
  }
  bool knows(TemplateId id) const { return has(id) || links_.contains(id); }
  TemplateId now(TemplateId id) const;
  TemplateEntry* now(TemplateEntry* entry);
  // Of an id that has none: that of kRest. It stays where it is until it goes.
  TemplateEntry* entry(TemplateId id);
  const Template& at(TemplateId id) const;
  void keep(TemplateId id) { entry(now(id))->kept = true; }
  std::uint64_t forgotten() const { return forgotten_; }
  // Entries that are no longer where entry() said.
  std::uint64_t erased() const { return erased_; }
  void allow(TemplateId end) { end_ = end; }
  TemplateId next() const { return next_; }
  std::size_t noted_bytes() const { return alike_bytes_; }
  std::vector<Template> all() const;
  std::vector<std::pair<TemplateId, TemplateId>> joined() const;

  std::string save() const;
  std::string changes();
  // Bytes behind the whole state that load() could not read.
  std::size_t unread() const { return unread_; }
  bool has_changes() const {
    return !changed_.empty() || !gone_.empty() || !values_changed_.empty();
  }
  Result<> load(std::string_view state);

 private:
  struct Place {
    TemplateId id = kRest;
    bool varies = false;  // a hole of this shape stands for a word that was seen to vary
  };

  // Templates that would be one if one word were a hole.
  struct Alike {
    std::vector<TemplateId> members;
    bool announced = false;  // the word before it says that a name follows
  };
  using Values = std::map<std::string, std::set<std::string>, std::less<>>;

  bool has(TemplateId id) const { return entries_.contains(id); }
  std::vector<const TemplateEntry*> by_id() const;
  void touch(TemplateEntry& entry);
  bool widen(Shape& shape);
  bool is_value(const std::string& name, const std::string& value);
  void vary(const std::string& name);
  void widen_all();
  TemplateId find(const Shape& shape);
  TemplateId add(Shape shape);
  void note(TemplateId id);
  void note_word(TemplateId id, const Shape& shape, std::size_t at, std::string wide,
                 std::size_t needed_here);
  void mark_varying(Place& place);
  void join(const std::string& wide, const std::vector<TemplateId>& members);
  void widen_to(TemplateEntry& entry, const Shape& other);
  void merge(TemplateId a, TemplateId b);
  void thin();
  void forget(const std::vector<TemplateId>& ids);
  void clear_up();
  std::size_t needed(const Shape& shape, std::size_t at, std::size_t words) const;
  bool full() const {
    return entries_.size() > options_.templates || bytes_ + value_bytes_ >= options_.bytes;
  }
  void write(const TemplateEntry& entry, std::string& out) const;
  Result<> load_lines(std::string_view state);
  Result<> load_line(std::string_view line);
  Result<> load_part(const std::vector<std::string_view>& fields, std::string_view line);
  Result<> load_template(const std::vector<std::string_view>& fields, std::string_view line);
  Result<> load_shape(const std::vector<std::string_view>& fields, std::string_view line);

  const MinerOptions options_;
  std::unordered_map<TemplateId, TemplateEntry> entries_;
  // Parts that made room while what they are part of lives: fewer than templates.
  std::map<TemplateId, TemplateId> links_;
  TemplateId next_ = 1;  // the first that was not given
  TemplateId end_ = kLastId;
  std::uint64_t lines_ = 0;
  std::uint64_t forgotten_ = 0;
  std::uint64_t erased_ = 0;
  std::size_t unread_ = 0;
  StringMap<Place> places_;                     // by key; of ids that went some are left
  StringMap<Alike> alike_;                      // by key with one hole more
  std::size_t alike_bytes_ = 0;                 // of its keys
  Values values_;                               // by the name before "="
  std::set<std::string, std::less<>> varying_;  // names whose values are holes
  bool names_changed_ = false;
  std::size_t bytes_ = 0;        // of the words of all shapes
  std::size_t value_bytes_ = 0;  // of all values
  // Since the last changes(); nothing before the first.
  bool noting_ = false;
  std::vector<TemplateId> changed_;
  std::vector<TemplateId> gone_;
  std::string values_changed_;
};

}  // namespace quern::mining
