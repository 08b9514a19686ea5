// POST /v1/embeddings.
#pragma once

#include "http.hpp"

namespace quern::chat {

void embeddings(World& world, Responder& responder);

}  // namespace quern::chat
