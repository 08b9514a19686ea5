#include "chat.hpp"

#include "answers.hpp"
#include "chat_request.hpp"
#include "chat_response.hpp"
#include "event_stream.hpp"

#include <memory>
#include <utility>

namespace quern::chat {
namespace {

struct Conversation {
  ChatRequest request;
  ResponseHead head;
  Answers answers;

  ApiError error(const llm::Error& error) const {
    return from_llm(error, "messages", request.model);
  }
};

Outcome<Conversation> begin(World& world) {
  const std::string body = CHAT_TRY(world.body.read(kMaxBodyBytes));
  ChatRequest request = CHAT_TRY(read_chat_request(body));
  auto model = world.models.open(request.model);
  if (!model) return fail(from_llm(model.error(), "messages", request.model));
  Conversation result{.request = std::move(request),
                      .head = make_head("chatcmpl-", world, (*model)->info()),
                      .answers = Answers(world.models)};
  for (std::size_t i = 0; i < result.request.choices; ++i) {
    llm::ChatOptions options = result.request.options;
    options.sampling = for_choice(options.sampling, i);
    auto generation = (*model)->chat(result.request.messages, options);
    if (!generation) return fail(result.error(generation.error()));
    result.answers.add(*std::move(generation));
  }
  return result;
}

void answer_whole(Conversation& conversation, Responder& responder) {
  ChatCollector collector(conversation.answers.size(),
                          conversation.request.options.sampling.logprobs.has_value());
  while (!conversation.answers.finished()) {
    auto batches = conversation.answers.next();
    if (!batches) return send(responder, error_response(conversation.error(batches.error())));
    for (Batch& batch : *batches) collector.take(std::move(batch));
  }
  send(responder, json_response(collector.to_json(conversation.head)));
}

bool send_batches(const std::vector<Batch>& batches, ChatChunks& chunks, EventStream& stream) {
  for (const Batch& batch : batches) {
    for (const std::string& chunk : chunks.take(batch)) {
      if (!stream.send(chunk)) return false;
    }
  }
  return true;
}

// Returns early when the client is gone; what is left of the answers ends with `conversation`.
void answer_in_chunks(Conversation& conversation, Responder& responder) {
  Answers& answers = conversation.answers;
  // Nothing is sent before the first events are here: until then an error has its own status.
  auto batches = answers.next();
  if (!batches) return send(responder, error_response(conversation.error(batches.error())));

  ChatChunks chunks(conversation.head, answers.size(),
                    conversation.request.streaming.include_usage);
  EventStream stream(responder);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!stream.send(chunks.opening(i))) return;
  }
  while (true) {
    if (!send_batches(*batches, chunks, stream)) return;
    if (answers.finished()) break;
    batches = answers.next();
    if (!batches) return void(stream.send_error(conversation.error(batches.error())));
  }
  const std::string closing = chunks.closing();
  if (!closing.empty() && !stream.send(closing)) return;
  stream.send_done();
}

}  // namespace

void chat_completions(World& world, Responder& responder) {
  auto conversation = begin(world);
  if (!conversation) return send(responder, error_response(conversation.error()));
  if (conversation->request.streaming.stream) {
    answer_in_chunks(*conversation, responder);
  } else {
    answer_whole(*conversation, responder);
  }
}

}  // namespace quern::chat
