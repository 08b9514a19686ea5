// Server-sent events: the form in which streamed answers travel.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
#pragma once

#include "http.hpp"

#include <string_view>

namespace quern::chat {

class EventStream {
 public:
  explicit EventStream(Responder& responder) : responder_(responder) {}
  // The first call sends the headers. `data` is JSON in one line. False: the client is gone.
  bool send(std::string_view data);
  bool send_error(const ApiError& error) { return send(to_json(error)); }
  // The word that ends a stream of OpenAI's API.
  bool send_done() { return send("[DONE]"); }

 private:
  Responder& responder_;
  bool started_ = false;
};

}  // namespace quern::chat
