// A model as a component: quern:llm/inference in, quern:llm/inference out.
//
// It offers one model, the one on its card: opening it opens the weights by their digest, so that
// a host with other weights under the same name is refused by the host. What a conversation begins
// with is the card's system text. All else passes through unchanged, streams and pollables too.
#include "card.hpp"

#include <cstdlib>
#include <cstring>
#include <string_view>

extern "C" {
#include "model.h"
}

// A handle of ours is a place in memory that holds the host's.
struct exports_quern_llm_inference_model_t {  // NOLINT(readability-identifier-naming)
  quern_llm_inference_own_model_t own;
};
struct exports_quern_llm_inference_generation_t {  // NOLINT(readability-identifier-naming)
  quern_llm_inference_own_generation_t own;
};

namespace {

using Error = quern_llm_types_error_t;
using Message = quern_llm_types_message_t;
using Messages = exports_quern_llm_inference_list_message_t;
using Part = quern_llm_types_part_t;
using OwnGeneration = exports_quern_llm_inference_own_generation_t;

constexpr quern_llm_types_role_t kSystem = QUERN_LLM_TYPES_ROLE_SYSTEM;
constexpr quern_llm_types_role_t kDeveloper = QUERN_LLM_TYPES_ROLE_DEVELOPER;

template <class Item>
Item* allocate(std::size_t count) {
  void* const place = std::calloc(count, sizeof(Item));
  if (place == nullptr) __builtin_trap();
  return static_cast<Item*>(place);
}

// To be freed by whoever the text is handed to.
model_string_t copy(std::string_view text, std::string_view more = {}) {
  model_string_t to{allocate<std::uint8_t>(text.size() + more.size() + 1),
                    text.size() + more.size()};
  std::memcpy(to.ptr, text.data(), text.size());
  if (!more.empty()) std::memcpy(to.ptr + text.size(), more.data(), more.size());
  return to;
}

std::string_view view(const model_string_t& text) {
  return {reinterpret_cast<const char*>(text.ptr), text.len};
}

quern_llm_inference_borrow_model_t host(exports_quern_llm_inference_borrow_model_t self) {
  return quern_llm_inference_borrow_model(self->own);
}

quern_llm_inference_borrow_generation_t host(exports_quern_llm_inference_borrow_generation_t self) {
  return quern_llm_inference_borrow_generation(self->own);
}

OwnGeneration wrap(quern_llm_inference_own_generation_t own) {
  auto* const place = allocate<exports_quern_llm_inference_generation_t>(1);
  place->own = own;
  return exports_quern_llm_inference_generation_new(place);
}

// `items` with room for one more in front.
template <class Item>
void make_room(Item*& items, std::size_t& count) {
  auto* const longer = allocate<Item>(count + 1);
  if (count > 0) std::memcpy(longer + 1, items, count * sizeof(Item));
  std::free(items);
  items = longer;
  ++count;
}

// The card's text comes first. Where the conversation begins with a system message already, it
// goes to that message's front: templates know one system message, not two.
void begin_with_card(Messages& messages) {
  const std::string_view system = quern::model::card_system();
  if (system.empty()) return;
  const bool has_own =
      messages.len > 0 && (messages.ptr[0].role == kSystem || messages.ptr[0].role == kDeveloper);
  if (!has_own) {
    make_room(messages.ptr, messages.len);
    messages.ptr[0].role = kSystem;
  }
  Message& first = messages.ptr[0];
  make_room(first.content.ptr, first.content.len);
  first.content.ptr[0] = {.tag = QUERN_LLM_TYPES_PART_TEXT,
                          .val = {.text = copy(system, has_own ? "\n\n" : "")}};
}

// The model is known by its card's name, wherever its weights have another.
void rename(quern_llm_types_model_info_t& info) {
  model_string_free(&info.name);
  info.name = copy(quern::model::card_name());
}

bool is_card(const quern_llm_types_model_info_t& info) {
  return info.digest.is_some && view(info.digest.val) == quern::model::card_digest();
}

}  // namespace

extern "C" {

// Never called: with it every function of the interface stays imported, so that what this component
// asks of its host fits whatever a program beside it asks of the same interface.
[[gnu::used]] void import_all_of_poll(wasi_io_poll_list_borrow_pollable_t* all,
                                      model_list_u32_t* ready) {
  if (wasi_io_poll_method_pollable_ready(all->ptr[0])) return;
  wasi_io_poll_method_pollable_block(all->ptr[0]);
  wasi_io_poll_poll(all, ready);
}

void exports_quern_llm_inference_granted_models(
    exports_quern_llm_inference_list_model_info_t* ret) {
  quern_llm_inference_list_model_info_t all;
  quern_llm_inference_granted_models(&all);
  *ret = {nullptr, 0};
  for (std::size_t i = 0; i < all.len && ret->len == 0; ++i) {
    if (!is_card(all.ptr[i])) continue;
    *ret = {allocate<quern_llm_types_model_info_t>(1), 1};
    ret->ptr[0] = all.ptr[i];
    rename(ret->ptr[0]);
    all.ptr[i] = {};  // it lives on in the answer
  }
  quern_llm_inference_list_model_info_free(&all);
}

bool exports_quern_llm_inference_static_model_open(model_string_t* name,
                                                   exports_quern_llm_inference_own_model_t* ret,
                                                   Error* err) {
  const std::string_view asked = view(*name);
  const bool known = asked == "default" || asked == quern::model::card_name() ||
                     asked == quern::model::card_digest();
  model_string_free(name);
  if (!known) {
    err->tag = QUERN_LLM_TYPES_ERROR_MODEL_NOT_FOUND;
    err->val.model_not_found = copy("this component offers one model: ", quern::model::card_name());
    return false;
  }
  const std::string_view digest = quern::model::card_digest();
  model_string_t weights = copy(digest);
  quern_llm_inference_own_model_t own;
  const bool opened = quern_llm_inference_static_model_open(&weights, &own, err);
  model_string_free(&weights);
  if (!opened) return false;
  auto* const place = allocate<exports_quern_llm_inference_model_t>(1);
  place->own = own;
  *ret = exports_quern_llm_inference_model_new(place);
  return true;
}

void exports_quern_llm_inference_method_model_info(exports_quern_llm_inference_borrow_model_t self,
                                                   exports_quern_llm_inference_model_info_t* ret) {
  quern_llm_inference_method_model_info(host(self), ret);
  rename(*ret);
}

bool exports_quern_llm_inference_method_model_chat(
    exports_quern_llm_inference_borrow_model_t self, Messages* messages,
    exports_quern_llm_inference_chat_options_t* options, OwnGeneration* ret, Error* err) {
  begin_with_card(*messages);
  quern_llm_inference_list_message_t asked{messages->ptr, messages->len};
  quern_llm_inference_own_generation_t own;
  const bool began = quern_llm_inference_method_model_chat(host(self), &asked, options, &own, err);
  exports_quern_llm_inference_list_message_free(messages);
  exports_quern_llm_inference_chat_options_free(options);
  if (began) *ret = wrap(own);
  return began;
}

bool exports_quern_llm_inference_method_model_complete(
    exports_quern_llm_inference_borrow_model_t self, model_string_t* prompt,
    exports_quern_llm_inference_sampling_t* sampling,
    exports_quern_llm_inference_response_format_t* format, OwnGeneration* ret, Error* err) {
  quern_llm_inference_own_generation_t own;
  const bool began =
      quern_llm_inference_method_model_complete(host(self), prompt, sampling, format, &own, err);
  model_string_free(prompt);
  exports_quern_llm_inference_sampling_free(sampling);
  exports_quern_llm_inference_response_format_free(format);
  if (began) *ret = wrap(own);
  return began;
}

bool exports_quern_llm_inference_method_model_embed(exports_quern_llm_inference_borrow_model_t self,
                                                    model_list_string_t* texts,
                                                    exports_quern_llm_inference_embeddings_t* ret,
                                                    Error* err) {
  const bool done = quern_llm_inference_method_model_embed(host(self), texts, ret, err);
  model_list_string_free(texts);
  return done;
}

bool exports_quern_llm_inference_method_model_tokenize(
    exports_quern_llm_inference_borrow_model_t self, model_string_t* text, bool special,
    model_list_u32_t* ret, Error* err) {
  const bool done = quern_llm_inference_method_model_tokenize(host(self), text, special, ret, err);
  model_string_free(text);
  return done;
}

bool exports_quern_llm_inference_method_model_detokenize(
    exports_quern_llm_inference_borrow_model_t self, model_list_u32_t* tokens, model_list_u8_t* ret,
    Error* err) {
  const bool done = quern_llm_inference_method_model_detokenize(host(self), tokens, ret, err);
  model_list_u32_free(tokens);
  return done;
}

bool exports_quern_llm_inference_method_model_count_tokens(
    exports_quern_llm_inference_borrow_model_t self, Messages* messages,
    exports_quern_llm_inference_chat_options_t* options, std::uint32_t* ret, Error* err) {
  begin_with_card(*messages);
  quern_llm_inference_list_message_t asked{messages->ptr, messages->len};
  const bool done =
      quern_llm_inference_method_model_count_tokens(host(self), &asked, options, ret, err);
  exports_quern_llm_inference_list_message_free(messages);
  exports_quern_llm_inference_chat_options_free(options);
  return done;
}

bool exports_quern_llm_inference_method_generation_read(
    exports_quern_llm_inference_borrow_generation_t self,
    exports_quern_llm_inference_list_event_t* ret, Error* err) {
  quern_llm_inference_list_event_t events;
  const bool done = quern_llm_inference_method_generation_read(host(self), &events, err);
  if (done) *ret = {events.ptr, events.len};
  return done;
}

bool exports_quern_llm_inference_method_generation_blocking_read(
    exports_quern_llm_inference_borrow_generation_t self,
    exports_quern_llm_inference_list_event_t* ret, Error* err) {
  quern_llm_inference_list_event_t events;
  const bool done = quern_llm_inference_method_generation_blocking_read(host(self), &events, err);
  if (done) *ret = {events.ptr, events.len};
  return done;
}

exports_quern_llm_inference_own_pollable_t exports_quern_llm_inference_method_generation_subscribe(
    exports_quern_llm_inference_borrow_generation_t self) {
  return quern_llm_inference_method_generation_subscribe(host(self));
}

void exports_quern_llm_inference_method_generation_cancel(
    exports_quern_llm_inference_borrow_generation_t self) {
  quern_llm_inference_method_generation_cancel(host(self));
}

void exports_quern_llm_inference_model_destructor(exports_quern_llm_inference_model_t* rep) {
  quern_llm_inference_model_drop_own(rep->own);
  std::free(rep);
}

void exports_quern_llm_inference_generation_destructor(
    exports_quern_llm_inference_generation_t* rep) {
  quern_llm_inference_generation_drop_own(rep->own);
  std::free(rep);
}

}  // extern "C"
