// A log filter that does with a record what its body says: {"do":"trap"}. Mostly it misbehaves.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

extern "C" {
#include "tested.h"
}

namespace {
using Event = exports_quern_log_filter_event_t;
using Outcome = exports_quern_log_filter_outcome_t;

std::uint64_t seen = 0;

std::string_view view(const tested_string_t& text) {
  return {reinterpret_cast<const char*>(text.ptr), text.len};
}

tested_string_t copy(std::string_view text) {
  tested_string_t made;
  tested_string_dup_n(&made, text.data(), text.size());
  return made;
}

void change(Outcome& outcome, std::string_view body) {
  outcome.tag = QUERN_LOG_TYPES_OUTCOME_CHANGE;
  outcome.val.change = copy(body);
}

quern_log_types_new_event_t like(const Event& event, std::string_view body) {
  quern_log_types_new_event_t made{};
  made.seconds = event.seconds;
  made.nanoseconds = event.nanoseconds;
  made.body = copy(body);
  return made;
}

quern_log_types_new_event_t* replace(Outcome& outcome, std::size_t count) {
  outcome.tag = QUERN_LOG_TYPES_OUTCOME_REPLACE;
  auto& list = outcome.val.replace;
  list.len = count;
  list.ptr = static_cast<quern_log_types_new_event_t*>(std::calloc(count, sizeof *list.ptr));
  return list.ptr;
}

void split(Outcome& outcome, const Event& event) {
  auto* const made = replace(outcome, 2);
  made[0] = like(event, R"({"half":1})");
  made[1] = like(event, R"({"half":2})");
  made[1].tag = {.is_some = true, .val = copy("halves")};
  made[1].seconds += 5;
  made[1].nanoseconds = 7;
  made[1].metadata = {.is_some = true, .val = copy(R"({"from":"split"})")};
}

// One new event that is wrong in one way.
void wrong(Outcome& outcome, const Event& event, std::string_view how) {
  auto* const made = replace(outcome, 2);
  made[0] = like(event, R"({"fine":true})");
  made[1] = like(event, how == "wrong body" ? "{" : "{}");
  if (how == "wrong time") made[1].nanoseconds = 1'000'000'000;
  if (how == "wrong year") made[1].seconds = 1ULL << 32U;
  if (how == "wrong tag") made[1].tag = {.is_some = true, .val = copy(std::string(300, 't'))};
  if (how == "wrong metadata") made[1].metadata = {.is_some = true, .val = copy("[]")};
}

// A list whose elements are all the same 64 KiB: little memory here, much there.
void flood(Outcome& outcome, const Event& event) {
  constexpr std::size_t kMany = 4096;
  auto* const made = replace(outcome, kMany);
  made[0] = like(event, R"({"long":")" + std::string(65536, 'x') + "\"}");
  for (std::size_t i = 1; i < kMany; ++i) made[i] = made[0];
}

void count_names() {
  for (int i = 0; i < 100; ++i) {
    tested_string_t name = copy("name_" + std::to_string(i));
    quern_log_metrics_count(&name, 1);
  }
  tested_string_t name = copy("No name");
  quern_log_metrics_gauge(&name, 1);
}

void* volatile held = nullptr;

void hold(std::size_t size) {
  held = std::malloc(size);
  if (held == nullptr) std::abort();
  std::memset(held, 1, size);
}

std::string_view word_in(std::string_view body) {
  constexpr std::string_view kDo = R"("do":")";
  const std::size_t at = body.find(kDo);
  if (at == body.npos) return {};
  body.remove_prefix(at + kDo.size());
  return body.substr(0, body.find('"'));
}

void misbehave(std::string_view word) {
  if (word == "trap") __builtin_trap();
  if (word == "exit") std::_Exit(3);
  if (word == "loop") {
    for (volatile std::uint64_t i = 0;; i = i + 1) {
    }
  }
  if (word == "wait") ::usleep(60'000'000);
  while (word == "hog") hold(1 << 20);
  if (word == "print") std::fputs("a line\nanother\n", stderr);
  if (word == "names") count_names();
}

void process_one(const Event& event, Outcome& outcome) {
  const std::string_view word = word_in(view(event.body));
  misbehave(word);
  if (word == "drop") outcome.tag = QUERN_LOG_TYPES_OUTCOME_DROP;
  if (word == "count") change(outcome, R"({"seen":)" + std::to_string(seen) + "}");
  if (word == "no json") change(outcome, "{\"a\":");
  if (word == "array") change(outcome, "[1]");
  if (word == "two") change(outcome, "{}{}");
  if (word == "large") change(outcome, R"({"a":")" + std::string(1100000, 'x') + "\"}");
  if (word == "split") split(outcome, event);
  if (word == "nothing") replace(outcome, 0);
  if (word == "flood") flood(outcome, event);
  if (word.starts_with("wrong ")) wrong(outcome, event, word);
  if (word == "dead") {
    outcome.tag = QUERN_LOG_TYPES_OUTCOME_DEAD;
    outcome.val.dead = copy("it smells");
  }
}

}  // namespace

bool exports_quern_log_filter_configure(tested_list_tuple2_string_string_t* options,
                                        tested_string_t* error) {
  bool fine = true;
  for (std::size_t i = 0; i < options->len; ++i) {
    const std::string_view name = view(options->ptr[i].f0);
    if (name == "trap") __builtin_trap();
    if (name == "word") continue;
    *error = copy("there is no option " + std::string(name));
    fine = false;
  }
  tested_list_tuple2_string_string_free(options);
  return fine;
}

void exports_quern_log_filter_process(tested_string_t* tag,
                                      exports_quern_log_filter_list_event_t* events,
                                      exports_quern_log_filter_list_outcome_t* ret) {
  ret->len = events->len;
  ret->ptr = static_cast<Outcome*>(std::calloc(events->len, sizeof *ret->ptr));
  for (std::size_t i = 0; i < events->len; ++i) {
    ++seen;
    process_one(events->ptr[i], ret->ptr[i]);
    if (word_in(view(events->ptr[i].body)) == "short") --ret->len;
  }
  tested_string_free(tag);
  exports_quern_log_filter_list_event_free(events);
}
