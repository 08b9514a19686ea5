// Uses models as the path says. A prompt is what follows the second slash: "/read/tell me".
//
//   /read/PROMPT     answers with the text, read with blocking-read
//   /poll/PROMPT     the same, waiting on the pollable and reading without blocking
//   /stream/PROMPT   the same, a chunk per event
//   /open/NAME       opens a model; the error's case and text, or "opened"
//   /bias/N          asks with a temperature of N
//   /long/N          asks with N bytes of text
//   /stale           reads from a generation that it has dropped
//   /forged          reads from a handle that it never had
//   /binary          opens a model whose name is no UTF-8
//   /hoard           opens models until that fails
//   /leave           starts a generation and returns without an answer
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" {
#include "probe.h"
}

namespace {
using Request = exports_wasi_http_incoming_handler_own_incoming_request_t;
using Out = exports_wasi_http_incoming_handler_own_response_outparam_t;
using Model = quern_llm_inference_own_model_t;
using Generation = quern_llm_inference_own_generation_t;
using LlmError = quern_llm_types_error_t;

probe_string_t borrow(std::string_view text) {
  // The bindings only read it; C has no const here.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())), text.size()};
}

std::string_view view(const probe_string_t& text) {
  return {reinterpret_cast<const char*>(text.ptr), text.len};
}

class Answer {
 public:
  Answer(Out out, std::uint16_t status) {
    const auto response =
        wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
    const auto borrowed = wasi_http_types_borrow_outgoing_response(response);
    wasi_http_types_method_outgoing_response_set_status_code(borrowed, status);
    wasi_http_types_method_outgoing_response_body(borrowed, &body_);
    wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body_),
                                               &stream_);
    wasi_http_types_result_own_outgoing_response_error_code_t result{};
    result.val.ok = response;
    wasi_http_types_static_response_outparam_set(out, &result);
  }
  void write(std::string_view text) {
    if (text.empty()) return;
    probe_list_u8_t list{borrow(text).ptr, text.size()};
    wasi_io_streams_stream_error_t error;
    wasi_io_streams_method_output_stream_blocking_write_and_flush(
        wasi_io_streams_borrow_output_stream(stream_), &list, &error);
  }
  void finish() {
    wasi_io_streams_output_stream_drop_own(stream_);
    wasi_http_types_error_code_t error;
    wasi_http_types_static_outgoing_body_finish(body_, nullptr, &error);
  }

 private:
  wasi_http_types_own_outgoing_body_t body_{};
  wasi_http_types_own_output_stream_t stream_{};
};

void answer(Out out, std::string_view text) {
  Answer answer(out, 200);
  answer.write(text);
  answer.finish();
}

std::string describe(const LlmError& error) {
  const char* const cases[] = {
      "invalid-argument", "model-not-found",   "permission-denied", "context-full", "overloaded",
      "budget-exhausted", "deadline-exceeded", "cancelled",         "unsupported",  "internal"};
  std::string text = cases[error.tag];
  switch (error.tag) {
    case QUERN_LLM_TYPES_ERROR_CONTEXT_FULL:
    case QUERN_LLM_TYPES_ERROR_OVERLOADED:
    case QUERN_LLM_TYPES_ERROR_DEADLINE_EXCEEDED:
    case QUERN_LLM_TYPES_ERROR_CANCELLED: return text;
    default: return text + ": " + std::string(view(error.val.internal));
  }
}

// Empty: opened.
std::string open(std::string_view name, Model& model) {
  probe_string_t text = borrow(name);
  LlmError error;
  if (quern_llm_inference_static_model_open(&text, &model, &error)) return {};
  return describe(error);
}

// Empty: begun.
std::string begin(std::string_view prompt, float temperature, Generation& generation) {
  Model model;
  if (std::string error = open("default", model); !error.empty()) return error;
  quern_llm_types_part_t part{.tag = QUERN_LLM_TYPES_PART_TEXT, .val = {}};
  part.val.text = borrow(prompt);
  quern_llm_types_message_t message{};
  message.role = QUERN_LLM_TYPES_ROLE_USER;
  message.content = {&part, 1};
  quern_llm_types_chat_options_t options{};
  options.sampling.temperature = {true, temperature};
  options.parallel_tool_calls = true;
  quern_llm_inference_list_message_t messages{&message, 1};
  LlmError error;
  const bool begun = quern_llm_inference_method_model_chat(
      quern_llm_inference_borrow_model(model), &messages, &options, &generation, &error);
  quern_llm_inference_model_drop_own(model);
  return begun ? std::string() : describe(error);
}

enum class Wait { blocking, polling };

// Reads once, waiting as told; false at the end or on an error, whose text is appended.
bool read(const Generation& generation, Wait wait, std::string& text) {
  const auto self = quern_llm_inference_borrow_generation(generation);
  quern_llm_inference_list_event_t events;
  LlmError error;
  bool fine = false;
  if (wait == Wait::blocking) {
    fine = quern_llm_inference_method_generation_blocking_read(self, &events, &error);
  } else {
    const auto pollable = quern_llm_inference_method_generation_subscribe(self);
    wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
    wasi_io_poll_pollable_drop_own(pollable);
    fine = quern_llm_inference_method_generation_read(self, &events, &error);
    if (fine && events.len == 0) text += "<ready for nothing>";
  }
  if (!fine) {
    text += "<" + describe(error) + ">";
    return false;
  }
  bool more = true;
  for (std::size_t i = 0; i < events.len; ++i) {
    const quern_llm_types_event_t& event = events.ptr[i];
    if (event.tag == QUERN_LLM_TYPES_EVENT_CONTENT) text += view(event.val.content);
    if (event.tag == QUERN_LLM_TYPES_EVENT_FINISHED) more = false;
  }
  return more;
}

std::string say(std::string_view prompt, Wait wait) {
  Generation generation;
  std::string text = begin(prompt, 0, generation);
  if (!text.empty()) return text;
  while (read(generation, wait, text)) {
  }
  quern_llm_inference_generation_drop_own(generation);
  return text;
}

void stream(std::string_view prompt, Out out) {
  Generation generation;
  if (const std::string error = begin(prompt, 0, generation); !error.empty()) {
    return answer(out, error);
  }
  Answer answer(out, 200);
  for (bool more = true; more;) {
    std::string text;
    more = read(generation, Wait::blocking, text);
    answer.write(text);
  }
  answer.finish();
}

std::string hoard() {
  Model model;
  for (;;) {
    if (const std::string error = open("default", model); !error.empty()) return error;
  }
}

std::string read_of(std::int32_t handle) {
  std::string text;
  read(Generation{handle}, Wait::blocking, text);
  return text;
}

std::string stale() {
  Generation generation;
  if (std::string error = begin("x", 0, generation); !error.empty()) return error;
  quern_llm_inference_generation_drop_own(generation);
  return read_of(generation.__handle);
}

std::string begun(std::string_view prompt, float temperature) {
  Generation generation;
  const std::string error = begin(prompt, temperature, generation);
  return error.empty() ? "begun" : error;
}

std::string opened(std::string_view name) {
  Model model;
  const std::string error = open(name, model);
  return error.empty() ? "opened" : error;
}

void behave(std::string_view path, Out out) {
  const std::size_t slash = path.find('/', 1);
  const std::string_view what = path.substr(0, slash);
  const std::string rest(slash == std::string_view::npos ? "" : path.substr(slash + 1));
  if (what == "/read") return answer(out, say(rest, Wait::blocking));
  if (what == "/poll") return answer(out, say(rest, Wait::polling));
  if (what == "/stream") return stream(rest, out);
  if (what == "/open") return answer(out, opened(rest));
  if (what == "/bias") return answer(out, begun("x", std::strtof(rest.c_str(), nullptr)));
  if (what == "/long") {
    const std::string text(std::strtoul(rest.c_str(), nullptr, 10), 'x');
    return answer(out, begun(text, 0));
  }
  if (what == "/stale") return answer(out, stale());
  if (what == "/forged") return answer(out, read_of(4711));
  if (what == "/binary") return answer(out, opened("\xff\xfe"));
  if (what == "/hoard") return answer(out, hoard());
  if (what == "/leave") return void(begun("never", 0));
  answer(out, "no such behaviour");
}

}  // namespace

extern "C" void exports_wasi_http_incoming_handler_handle(Request request, Out out) {
  probe_string_t path;
  wasi_http_types_method_incoming_request_path_with_query(
      wasi_http_types_borrow_incoming_request(request), &path);
  behave(view(path), out);
}
