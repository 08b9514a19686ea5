// What every kind of store asks of keys and values. Internal to store/.
#pragma once

#include "store/store.hpp"

namespace quern::store {

// invalid_argument; the key itself is not repeated.
Result<> check_key(std::string_view key);
Result<> check_value(ByteView value);
Result<> check_change(const Change& change);

}  // namespace quern::store
