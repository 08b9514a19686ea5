#include "completions.hpp"

#include "answers.hpp"
#include "completion_request.hpp"
#include "completion_response.hpp"
#include "event_stream.hpp"

#include <memory>
#include <utility>

namespace quern::chat {
namespace {

struct Job {
  CompletionRequest request;
  ResponseHead head;
  std::vector<std::string> prompts;
  Answers answers;  // prompt by prompt, `choices` each
  Totals totals;

  ApiError error(const llm::Error& error) const { return from_llm(error, "prompt", request.model); }
  const std::string& prompt_of(std::size_t answer) const {
    return prompts[answer / request.choices];
  }
};

// Starts every answer.
Outcome<bool> start(Job& job, llm::Model& model) {
  for (const std::string& prompt : job.prompts) {
    for (std::size_t i = 0; i < job.request.choices; ++i) {
      auto generation =
          model.complete(prompt, for_choice(job.request.sampling, i), job.request.format);
      if (!generation) return fail(job.error(generation.error()));
      job.answers.add(*std::move(generation));
    }
  }
  return true;
}

Outcome<Job> begin(World& world) {
  const std::string body = CHAT_TRY(world.body.read(kMaxBodyBytes));
  CompletionRequest request = CHAT_TRY(read_completion_request(body));
  auto model = world.models.open(request.model);
  if (!model) return fail(from_llm(model.error(), "prompt", request.model));
  auto texts = to_texts(request.prompts, **model);
  if (!texts) return fail(from_llm(texts.error(), "prompt", request.model));
  Job job{.request = std::move(request),
          .head = make_head("cmpl-", world, (*model)->info()),
          .prompts = *std::move(texts),
          .answers = Answers(world.models),
          .totals = {}};
  CHAT_TRY(start(job, **model));
  return job;
}

// The choices as they stand before the first event: the prompt where it is to be echoed.
std::vector<CompletionChoice> empty_choices(const Job& job) {
  std::vector<CompletionChoice> choices(job.answers.size());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    choices[i].index = i;
    choices[i].with_logprobs = job.request.sampling.logprobs.has_value();
    if (job.request.echo) choices[i].text = job.prompt_of(i);
  }
  return choices;
}

// Adds what came to its choice.
void add(Job& job, CompletionChoice& choice, const Batch& batch) {
  const Delta delta = sum_up(batch.events);
  choice.text += delta.content;
  choice.logprobs.insert(choice.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
  if (!delta.summary) return;
  choice.reason = delta.summary->reason;
  // The answers to one prompt share it; each prompt counts once.
  job.totals.add(*delta.summary, batch.answer / job.request.choices);
}

void answer_whole(Job& job, Responder& responder) {
  std::vector<CompletionChoice> choices = empty_choices(job);
  while (!job.answers.finished()) {
    const auto batches = job.answers.next();
    if (!batches) return send(responder, error_response(job.error(batches.error())));
    for (const Batch& batch : *batches) add(job, choices[batch.answer], batch);
  }
  send(responder,
       json_response(completion_json(job.head, choices, job.totals, Cost::usage_and_timings)));
}

// Sends what the choice gained as a chunk, and keeps it ready for the next.
bool send_gain(const Job& job, CompletionChoice& choice, Cost cost, EventStream& stream) {
  if (!stream.send(completion_json(job.head, {choice}, job.totals, cost))) return false;
  choice.offset += choice.text.size();
  choice.text.clear();
  choice.logprobs.clear();
  return true;
}

void answer_in_chunks(Job& job, Responder& responder) {
  // As with chat: until the first events are here, an error has its own status.
  auto batches = job.answers.next();
  if (!batches) return send(responder, error_response(job.error(batches.error())));
  std::vector<CompletionChoice> choices = empty_choices(job);
  EventStream stream(responder);
  while (true) {
    for (const Batch& batch : *batches) {
      CompletionChoice& choice = choices[batch.answer];
      add(job, choice, batch);
      const bool last = job.answers.finished() && &batch == &batches->back();
      const bool timings = last && !job.request.streaming.include_usage;
      if (!send_gain(job, choice, timings ? Cost::timings : Cost::none, stream)) return;
    }
    if (job.answers.finished()) break;
    batches = job.answers.next();
    if (!batches) return void(stream.send_error(job.error(batches.error())));
  }
  if (job.request.streaming.include_usage &&
      !stream.send(completion_json(job.head, {}, job.totals, Cost::usage_and_timings))) {
    return;
  }
  stream.send_done();
}

}  // namespace

void completions(World& world, Responder& responder) {
  auto job = begin(world);
  if (!job) return send(responder, error_response(job.error()));
  if (job->request.streaming.stream) {
    answer_in_chunks(*job, responder);
  } else {
    answer_whole(*job, responder);
  }
}

}  // namespace quern::chat
