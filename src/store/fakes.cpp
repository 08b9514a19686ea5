#include "store/fakes.hpp"

#include "store/check.hpp"

#include <map>
#include <utility>

namespace quern::store {
namespace {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(Bytes limit) : limit_(limit) {}

  Result<std::optional<Buffer>> get(std::string_view key) override {
    TRY(check_key(key));
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::optional<Buffer>();
    return std::optional(found->second.value);
  }

  Result<bool> exists(std::string_view key) override {
    TRY(check_key(key));
    return entries_.find(key) != entries_.end();
  }

  Result<Page> keys(std::uint64_t begin, std::size_t most) override {
    Page page;
    for (auto at = order_.lower_bound(begin); at != order_.end(); ++at) {
      if (page.keys.size() == most) {
        page.next = at->first;
        break;
      }
      page.keys.push_back(at->second);
    }
    return page;
  }

  Result<> write(const std::vector<Change>& changes) override {
    for (const Change& change : changes) TRY(check_change(change));
    const auto entries = entries_;
    const auto order = order_;
    for (const Change& change : changes) apply(change);
    if (size() <= limit_.count) return {};
    entries_ = entries;
    order_ = order;
    return fail(ErrorKind::resource_exhausted,
                "the store is full; it may have " + to_string(limit_));
  }

  Result<> update(std::string_view key, const Update& change) override {
    const std::optional<Buffer> now = TRY(get(key));
    Buffer next = TRY(change(now));
    return write({{std::string(key), std::move(next)}});
  }

 private:
  struct Entry {
    std::uint64_t number = 0;
    Buffer value;
  };

  void apply(const Change& change) {
    const auto found = entries_.find(change.key);
    if (change.value && found != entries_.end()) {
      found->second.value = *change.value;
    } else if (change.value) {
      entries_.emplace(change.key, Entry{++last_, *change.value});
      order_.emplace(last_, change.key);
    } else if (found != entries_.end()) {
      order_.erase(found->second.number);
      entries_.erase(found);
    }
  }

  std::uint64_t size() const {
    std::uint64_t sum = 0;
    for (const auto& [key, entry] : entries_) sum += key.size() + entry.value.size();
    return sum;
  }

  const Bytes limit_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::uint64_t, std::string> order_;
  std::uint64_t last_ = 0;
};

class MemoryStores final : public Stores {
 public:
  Result<Store*> open(const Place& place) override {
    const auto key = std::pair(place.name, place.file.string());
    auto& store = stores_[key];
    if (!store) store = std::make_unique<MemoryStore>(place.limit);
    return store.get();
  }

 private:
  std::map<std::pair<std::string, std::string>, std::unique_ptr<MemoryStore>> stores_;
};

}  // namespace

std::unique_ptr<Stores> make_memory_stores() { return std::make_unique<MemoryStores>(); }

}  // namespace quern::store
