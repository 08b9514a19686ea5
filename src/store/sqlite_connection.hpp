// Databases of guests: connections under a guard. Internal to store/.
#pragma once

#include "store/store.hpp"

#include <filesystem>
#include <memory>

namespace quern::store {

// Makes the file where there is none, for this user alone. `limit`: what it may become.
Result<std::unique_ptr<Connection>> connect_sqlite(const std::filesystem::path& file, Bytes limit);

}  // namespace quern::store
