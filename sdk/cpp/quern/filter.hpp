// quern:log for a filter in a pipeline: two functions, one of which is asked about each event.
//
//     std::optional<std::string> configure(const quern::filter::Options& options) { return {}; }
//
//     quern::filter::Outcome process(const quern::filter::Event& event) {
//       if (event.body.value("level", "") == "debug") return quern::filter::Drop{};
//       return quern::filter::Keep{};
//     }
//
//     QUERN_FILTER(configure, process)
#pragma once

#include "quern/llm.hpp"

#include <cstdlib>
#include <map>

namespace quern::filter {

// The filter's own options, as the pipeline's file says them under `config`.
using Options = std::map<std::string, std::string>;

// A record on its way. Times are since 1970.
struct Event {
  std::string tag;  // where it goes: of an event that the filter makes it may be another
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  nlohmann::json body;
  std::optional<std::string> metadata;  // a JSON object; most events have none

  // Another body with this one's tag, time and metadata.
  Event with(nlohmann::json other) const {
    return {tag, seconds, nanoseconds, std::move(other), metadata};
  }
};

struct Keep {};
struct Drop {};
// The same event with this body.
struct Change {
  nlohmann::json body;
};
// These in its place; none is the same as Drop.
struct Replace {
  std::vector<Event> events;
};
// It goes to the filter's dead letters, with this reason.
struct Dead {
  std::string reason;
};
using Outcome = std::variant<Keep, Drop, Change, Replace, Dead>;

// Adds to a counter of the filter's own.
inline void count(std::string_view name, std::uint64_t by = 1) {
  quern_string_t text = wasi::borrowed(name);
  quern_log_metrics_count(&text, by);
}

// Says how much there is of something now.
inline void gauge(std::string_view name, double value) {
  quern_string_t text = wasi::borrowed(name);
  quern_log_metrics_gauge(&text, value);
}

namespace words {

inline quern_string_t given(std::string_view text) {
  quern_string_t made;
  quern_string_dup_n(&made, text.data(), text.size());
  return made;
}

// Bytes that are no UTF-8 become U+FFFD.
inline quern_string_t given_json(const nlohmann::json& body) {
  return given(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

inline quern_option_string_t given_option(const std::optional<std::string>& text) {
  if (!text) return {.is_some = false, .val = {}};
  return {.is_some = true, .val = given(*text)};
}

inline quern_log_types_new_event_t given(const Event& event, const std::string& tag) {
  quern_log_types_new_event_t made{};
  if (event.tag != tag) made.tag = {.is_some = true, .val = given(event.tag)};
  made.seconds = event.seconds;
  made.nanoseconds = event.nanoseconds;
  made.body = given_json(event.body);
  made.metadata = given_option(event.metadata);
  return made;
}

template <class T>
T* room_for(std::size_t count) {
  return static_cast<T*>(std::calloc(count, sizeof(T)));
}

inline void put(const Keep&, const std::string&, quern_log_types_outcome_t& to) {
  to.tag = QUERN_LOG_TYPES_OUTCOME_KEEP;
}
inline void put(const Drop&, const std::string&, quern_log_types_outcome_t& to) {
  to.tag = QUERN_LOG_TYPES_OUTCOME_DROP;
}
inline void put(const Change& change, const std::string&, quern_log_types_outcome_t& to) {
  to.tag = QUERN_LOG_TYPES_OUTCOME_CHANGE;
  to.val.change = given_json(change.body);
}
inline void put(const Replace& replace, const std::string& tag, quern_log_types_outcome_t& to) {
  to.tag = QUERN_LOG_TYPES_OUTCOME_REPLACE;
  auto& list = to.val.replace;
  list.len = replace.events.size();
  list.ptr = room_for<quern_log_types_new_event_t>(list.len);
  for (std::size_t i = 0; i < list.len; ++i) list.ptr[i] = given(replace.events[i], tag);
}
inline void put(const Dead& dead, const std::string&, quern_log_types_outcome_t& to) {
  to.tag = QUERN_LOG_TYPES_OUTCOME_DEAD;
  to.val.dead = given(dead.reason);
}

inline bool configure(auto function, quern_list_tuple2_string_string_t* given_options,
                      quern_string_t* error) {
  Options options;
  for (std::size_t i = 0; i < given_options->len; ++i) {
    options[wasi::copied(given_options->ptr[i].f0)] = wasi::copied(given_options->ptr[i].f1);
  }
  quern_list_tuple2_string_string_free(given_options);
  const std::optional<std::string> wrong = function(options);
  if (wrong) *error = given(*wrong);
  return !wrong;
}

inline void process(auto function, quern_string_t* given_tag,
                    exports_quern_log_filter_list_event_t* events,
                    exports_quern_log_filter_list_outcome_t* outcomes) {
  const std::string tag = wasi::taken(*given_tag);
  outcomes->len = events->len;
  outcomes->ptr = room_for<quern_log_types_outcome_t>(events->len);
  for (std::size_t i = 0; i < events->len; ++i) {
    const auto& event = events->ptr[i];
    const char* const text = reinterpret_cast<const char*>(event.body.ptr);
    const Event made{
        tag, event.seconds, event.nanoseconds,
        nlohmann::json::parse(text, text + event.body.len, nullptr, false),
        event.metadata.is_some ? std::optional(wasi::copied(event.metadata.val)) : std::nullopt};
    const Outcome outcome = function(made);
    std::visit([&](const auto& one) { put(one, tag, outcomes->ptr[i]); }, outcome);
  }
  exports_quern_log_filter_list_event_free(events);
}

}  // namespace words
}  // namespace quern::filter

// Makes this program the filter that these functions are.
#define QUERN_FILTER(configure_function, process_function)                                   \
  bool exports_quern_log_filter_configure(quern_list_tuple2_string_string_t* options,        \
                                          quern_string_t* error) {                           \
    return quern::filter::words::configure(configure_function, options, error);              \
  }                                                                                          \
  void exports_quern_log_filter_process(quern_string_t* tag,                                 \
                                        exports_quern_log_filter_list_event_t* events,       \
                                        exports_quern_log_filter_list_outcome_t* outcomes) { \
    quern::filter::words::process(process_function, tag, events, outcomes);                  \
  }
