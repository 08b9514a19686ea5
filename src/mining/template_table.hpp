// The templates, and how two of them become one.
//
// A shape that is not known takes its place in this order:
//   1. values behind "name=" become holes once the name has had enough different ones;
//   2. a known shape that has a hole where this one has a word, when that word is known to vary;
//   3. a new template. Every word of it is noted: once enough templates differ in that word alone,
//   it
//      is a hole, and they are one template, under the oldest id.
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
  std::string key_with_hole(std::size_t at) const;
  std::string text() const;
  std::size_t bytes() const;  // of its words
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

class TemplateTable {
 public:
  explicit TemplateTable(MinerOptions options);

  Seen place(Shape shape);
  TemplateId now(TemplateId id) const;
  Template& at(TemplateId id) { return entries_[id].known; }
  const Template& at(TemplateId id) const { return entries_[id].known; }
  const Shape& shape(TemplateId id) const { return entries_[id].shape; }
  std::size_t size() const { return entries_.size(); }
  std::size_t noted_bytes() const { return alike_bytes_; }
  std::vector<Template> all() const;

  std::string save() const;
  Result<> load(std::string_view state);

 private:
  struct Entry {
    Template known;
    TemplateId now = kRest;  // itself, or one that it became part of
    Shape shape;
  };
  struct Place {
    TemplateId id = kRest;
    bool varies = false;  // a hole of this shape stands for a word that was seen to vary
  };

  // Templates that would be one if one word were a hole.
  struct Alike {
    std::vector<TemplateId> members;
    bool announced = false;  // the word before it says that a name follows
  };

  bool widen(Shape& shape);
  void widen_all();
  TemplateId find(const Shape& shape);
  TemplateId add(Shape shape);
  void note(TemplateId id);
  void join(const std::string& wide, const std::vector<TemplateId>& members);
  void widen_to(Entry& entry, const Shape& other);
  void merge(TemplateId a, TemplateId b);
  std::size_t needed(const Shape& shape, std::size_t at, std::size_t words) const;
  bool full() const { return entries_.size() > options_.templates || bytes_ >= options_.bytes; }
  Result<> load_line(std::string_view line);

  const MinerOptions options_;
  std::vector<Entry> entries_;                                        // by id
  StringMap<Place> places_;                                           // by key
  StringMap<Alike> alike_;                                            // by key with one hole more
  std::size_t alike_bytes_ = 0;                                       // of its keys
  std::map<std::string, std::set<std::string>, std::less<>> values_;  // by the name before "="
  std::set<std::string, std::less<>> varying_;  // names whose values are holes
  bool names_changed_ = false;
  std::size_t bytes_ = 0;  // of the words of all shapes and values
};

}  // namespace quern::mining
