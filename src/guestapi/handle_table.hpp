// What one instance holds of the host, by number.
//
// A number is never used twice, so a stale or forged handle finds nothing instead of somebody
// else's object. A found object is pinned by its shared_ptr while it is used, also when the guest
// drops the handle meanwhile. Destructors run outside the lock. Thread-safe.
#pragma once

#include "base/guarded.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace quern::guestapi {

// Something of the host that a guest has a handle to.
class Handle {
 public:
  virtual ~Handle() = default;
  // The instance is gone: let go of everything that leads back to it.
  virtual void ended() {}
};

class HandleTable {
 public:
  // `most`: handles open at once.
  explicit HandleTable(std::uint32_t most) : most_(most) {}

  // guest_trap when full (the limit is the manifest's), cancelled after close().
  Result<std::uint32_t> add(std::shared_ptr<Handle> handle);
  void remove(std::uint32_t id);
  // Frees everything; nothing can be added afterwards.
  void close();
  std::size_t size() const;

  // guest_trap when no handle of that number is open or it is not a T. `kind`: for the message.
  template <class T>
  Result<std::shared_ptr<T>> find(std::uint32_t id, std::string_view kind) const {
    if (auto found = std::dynamic_pointer_cast<T>(get(id))) return found;
    return fail(ErrorKind::guest_trap,
                "handle " + std::to_string(id) + " is no open " + std::string(kind));
  }

 private:
  struct Open {
    std::map<std::uint32_t, std::shared_ptr<Handle>> handles;
    std::uint32_t next = 1;
    bool closed = false;
  };
  std::shared_ptr<Handle> get(std::uint32_t id) const;

  const std::uint32_t most_;
  Guarded<Open> open_;
};

}  // namespace quern::guestapi
