// POST /v1/chat/completions.
#pragma once

#include "http.hpp"

namespace quern::chat {

void chat_completions(World& world, Responder& responder);

}  // namespace quern::chat
