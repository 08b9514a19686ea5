#include "guestapi/handle_table.hpp"

#include <limits>

namespace quern::guestapi {

Result<std::uint32_t> HandleTable::add(std::shared_ptr<Handle> handle) {
  return open_.with([&](Open& open) -> Result<std::uint32_t> {
    if (open.closed) return fail(ErrorKind::cancelled, "the instance is gone");
    if (open.handles.size() >= most_ || open.next == std::numeric_limits<std::uint32_t>::max()) {
      return fail(ErrorKind::guest_trap, "all " + std::to_string(most_) +
                                             " handles of this guest are in use; the manifest's "
                                             "limits.handles bounds them");
    }
    const std::uint32_t id = open.next++;
    open.handles.emplace(id, std::move(handle));
    return id;
  });
}

void HandleTable::remove(std::uint32_t id) {
  const auto node = open_.with([&](Open& open) { return open.handles.extract(id); });
}

void HandleTable::close() {
  const auto handles = open_.with([](Open& open) {
    open.closed = true;
    return std::exchange(open.handles, {});
  });
  for (const auto& [id, handle] : handles) handle->ended();
}

std::size_t HandleTable::size() const {
  return open_.with([](const Open& open) { return open.handles.size(); });
}

std::shared_ptr<Handle> HandleTable::get(std::uint32_t id) const {
  return open_.with([&](const Open& open) {
    const auto at = open.handles.find(id);
    return at == open.handles.end() ? nullptr : at->second;
  });
}

}  // namespace quern::guestapi
