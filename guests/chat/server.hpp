// chat: the OpenAI-compatible server as one sandboxed program.
//
// For:     /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /health and the page.
// Refuses: keys and metering (the host's), outbound network, files, state between requests.
// Owns:    nothing; every request has an instance of its own.
// Threads: one. Waiting for the model or the client suspends the instance.
// Errors:  all in OpenAI's form, api_error.hpp; never an exception, never a trap on any input.
//
// The logic knows no WASI: it is compiled natively for its tests, and wasi/ fills in the world.
#pragma once

#include "http.hpp"

namespace quern::chat {

// Answers one request.
void serve(const Request& request, World& world, Responder& responder);

}  // namespace quern::chat
