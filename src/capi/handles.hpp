// What host programs hold of the library, by number.
//
// One table for the whole process, against the rule of no singletons: a C function gets a number
// and nothing else to look it up in, and a number that was forged, closed or of another kind has
// to be an error instead of a wild pointer. Thread-safe. An object that was found is pinned by its
// shared_ptr while it is used, also when another thread closes it meanwhile.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quern::capi {

class Object {
 public:
  virtual ~Object() = default;
  // "answer", for messages.
  virtual std::string_view kind() const = 0;
  // The handle is gone: whoever waits is woken, what is under way ends.
  virtual void close() {}
};

// `engine`: the handle of the engine that it came of, and closes with; 0 for an engine itself.
// resource_exhausted at 65,536 open handles; cancelled when that engine is closed by now.
Result<std::uint64_t> open_handle(std::shared_ptr<Object> object, std::uint64_t engine);
// invalid_argument when it is not open.
Result<> close_handle(std::uint64_t handle);
// invalid_argument when it is not open.
Result<std::shared_ptr<Object>> find_object(std::uint64_t handle);

template <class T>
Result<std::shared_ptr<T>> find(std::uint64_t handle) {
  std::shared_ptr<Object> object = TRY(find_object(handle));
  if (auto found = std::dynamic_pointer_cast<T>(object)) return found;
  return fail(ErrorKind::invalid_argument,
              "handle " + std::to_string(handle) + " is no " + std::string(T::kKind) +
                  ": that one is of the kind " + std::string(object->kind()));
}

}  // namespace quern::capi
