#include "capi/handles.hpp"

#include "base/guarded.hpp"

#include <map>
#include <vector>

namespace quern::capi {
namespace {

constexpr std::size_t kMostHandles = 65'536;

struct Entry {
  std::shared_ptr<Object> object;
  std::uint64_t engine = 0;
};
struct Table {
  std::map<std::uint64_t, Entry> entries;
  std::uint64_t next = 1;
};

// Never destroyed: at the end of a process other threads may still be in here.
Guarded<Table>& table() {
  static auto* const the_table = new Guarded<Table>();
  return *the_table;
}

Failure not_open(std::uint64_t handle) {
  return fail(ErrorKind::invalid_argument, "handle " + std::to_string(handle) + " is not open");
}

}  // namespace

Result<std::uint64_t> open_handle(std::shared_ptr<Object> object, std::uint64_t engine) {
  auto open = table().lock();
  if (open->entries.size() >= kMostHandles) {
    return fail(ErrorKind::resource_exhausted, "65536 handles are open; close some");
  }
  if (engine != 0 && !open->entries.contains(engine)) {
    return fail(ErrorKind::cancelled, "the engine was closed meanwhile");
  }
  const std::uint64_t handle = open->next++;
  open->entries.emplace(handle, Entry{.object = std::move(object), .engine = engine});
  return handle;
}

Result<> close_handle(std::uint64_t handle) {
  std::vector<std::shared_ptr<Object>> gone;  // destroyed outside the lock, the newest first
  {
    auto open = table().lock();
    const auto at = open->entries.find(handle);
    if (at == open->entries.end()) return not_open(handle);
    gone.push_back(std::move(at->second.object));
    open->entries.erase(at);
    for (auto it = open->entries.begin(); it != open->entries.end();) {
      const bool of_it = it->second.engine == handle;
      if (of_it) gone.push_back(std::move(it->second.object));
      it = of_it ? open->entries.erase(it) : std::next(it);
    }
  }
  for (const auto& object : gone) object->close();
  while (!gone.empty()) gone.pop_back();
  return {};
}

Result<std::shared_ptr<Object>> find_object(std::uint64_t handle) {
  auto open = table().lock();
  const auto at = open->entries.find(handle);
  if (at == open->entries.end()) return not_open(handle);
  return at->second.object;
}

}  // namespace quern::capi
