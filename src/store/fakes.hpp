// For tests: stores without a disk.
#pragma once

#include "store/store.hpp"

#include <memory>

namespace quern::store {

// Forgets everything with the object. A name and a file are stores of their own here as well.
std::unique_ptr<Stores> make_memory_stores();

}  // namespace quern::store
