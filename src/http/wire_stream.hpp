// A connection as the rest of the program sees it.
#pragma once

#include "http/stream.hpp"
#include "http/wire.hpp"

#include <memory>

namespace quern::http {

std::unique_ptr<Stream> make_stream(Wire wire);

}  // namespace quern::http
