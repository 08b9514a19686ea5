#include "event_stream.hpp"

#include <string>

namespace quern::chat {

bool EventStream::send(std::string_view data) {
  if (!started_) {
    started_ = true;
    responder_.start(200, {{"content-type", "text/event-stream"},
                           {"cache-control", "no-cache"},
                           {"x-accel-buffering", "no"}});  // proxies: hand each event on at once
  }
  std::string event;
  event.reserve(data.size() + 8);
  event += "data: ";
  event += data;
  event += "\n\n";
  return responder_.write(event);
}

}  // namespace quern::chat
