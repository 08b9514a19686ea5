// Things that wait for one another's turn: tenants take turns, one tenant's things go in order.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <utility>

namespace quern::inference {

// `Item` can be empty, as a unique_ptr or a function can; only such as are not are put in.
template <class Item>
class Turns {
 public:
  void push_back(const std::string& tenant, Item item) { of(tenant).push_back(std::move(item)); }
  // For what had its turn and lost its place.
  void push_front(const std::string& tenant, Item item) { of(tenant).push_front(std::move(item)); }

  // The next that `ready` accepts, or an empty one. Its tenant goes to the end of the round.
  template <class Ready>
  Item pop(const Ready& ready) {
    for (auto tenant = tenants_.begin(); tenant != tenants_.end(); ++tenant) {
      auto& items = tenant->items;
      const auto at = std::find_if(items.begin(), items.end(), ready);
      if (at == items.end()) continue;
      Item found = std::move(*at);
      items.erase(at);
      if (items.empty()) {
        tenants_.erase(tenant);
      } else {
        tenants_.splice(tenants_.end(), tenants_, tenant);
      }
      return found;
    }
    return {};
  }

  // Takes out everything that `over` accepts.
  template <class Over>
  std::deque<Item> take_if(const Over& over) {
    std::deque<Item> taken;
    for (Tenant& tenant : tenants_) {
      for (Item& item : tenant.items) {
        if (over(item)) taken.push_back(std::exchange(item, {}));
      }
      std::erase_if(tenant.items, [](const Item& item) { return !item; });
    }
    tenants_.remove_if([](const Tenant& tenant) { return tenant.items.empty(); });
    return taken;
  }

  template <class Visit>
  void each(const Visit& visit) const {
    for (const Tenant& tenant : tenants_) {
      for (const Item& item : tenant.items) visit(item);
    }
  }

  std::size_t size() const {
    std::size_t count = 0;
    for (const Tenant& tenant : tenants_) count += tenant.items.size();
    return count;
  }
  bool empty() const { return tenants_.empty(); }

 private:
  struct Tenant {
    std::string name;
    std::deque<Item> items;  // never empty between calls
  };

  std::deque<Item>& of(const std::string& name) {
    const auto tenant =
        std::find_if(tenants_.begin(), tenants_.end(),
                     [&](const Tenant& candidate) { return candidate.name == name; });
    if (tenant != tenants_.end()) return tenant->items;
    return tenants_.emplace_back(Tenant{.name = name, .items = {}}).items;
  }

  std::list<Tenant> tenants_;  // the front one is served next
};

}  // namespace quern::inference
