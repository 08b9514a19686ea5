// POST /v1/completions.
#pragma once

#include "http.hpp"

namespace quern::chat {

void completions(World& world, Responder& responder);

}  // namespace quern::chat
