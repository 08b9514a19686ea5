#include "inference/voice.hpp"

#include <iterator>
#include <utility>

namespace quern::inference {

Voice::Voice(std::shared_ptr<const Vocabulary> vocabulary, VoiceOptions options,
             std::shared_ptr<EventChannel> channel, std::span<const Token> prompt)
    : vocabulary_(std::move(vocabulary)),
      options_(std::move(options)),
      channel_(std::move(channel)),
      sampler_(options_.sampling),
      stops_(options_.stop) {
  for (const Token token : prompt) sampler_.remember(token);
}

Result<Speaker::Said> Voice::say(std::span<const float> logits) {
  const Token token = TRY(sampler_.draw(logits, options_.constraint.get()));
  sampler_.remember(token);
  if (options_.constraint) TRY(options_.constraint->accept(token));
  if (vocabulary_->ends(token)) {
    model_ended_ = true;
    return Said{.token = token, .ended = FinishReason::stop};
  }
  if (options_.logprobs) note_logprobs(logits, token);
  const auto special =
      options_.shown.contains(token) ? Vocabulary::Special::show : Vocabulary::Special::hide;
  const std::string bytes = vocabulary_->bytes_of(token, special);
  said_bytes_ += bytes.size();
  channel_->push(tell(stops_.pass(utf8_.pass(bytes))));
  if (!stops_.stopped()) return Said{.token = token, .ended = {}};
  model_ended_ = true;
  return Said{.token = token, .ended = FinishReason::stop};
}

FinishReason Voice::close(FinishReason reason) {
  std::vector<Event> events = tell(stops_.pass(utf8_.flush()) + stops_.flush());
  if (options_.parser) {
    auto rest =
        options_.parser->end(model_ended_ ? AnswerParser::End::whole : AnswerParser::End::cut);
    std::move(rest.begin(), rest.end(), std::back_inserter(events));
  }
  if (!stops_.stopped()) told_bytes_ = said_bytes_ + 1;  // nothing is held back any more
  tell_logprobs(events);
  channel_->push(std::move(events));
  const bool calls = options_.parser && options_.parser->calls_tools();
  return calls && reason == FinishReason::stop ? FinishReason::tool_calls : reason;
}

void Voice::note_logprobs(std::span<const float> logits, Token token) {
  TokenLogprobs logprobs = log_probabilities(logits, token, *options_.logprobs);
  const auto name = [&](TokenProbability& of) {
    of.bytes = vocabulary_->bytes_of(of.token, Vocabulary::Special::show);
  };
  name(logprobs.chosen);
  for (TokenProbability& other : logprobs.top) name(other);
  untold_.push_back({.logprobs = std::move(logprobs), .begin = said_bytes_});
}

std::vector<Event> Voice::tell(std::string text) {
  std::vector<Event> events;
  if (text.empty()) return events;
  told_bytes_ += text.size();
  if (options_.parser) {
    events = options_.parser->add(text);
  } else {
    events.emplace_back(Content{std::move(text)});
  }
  tell_logprobs(events);
  return events;
}

// Tells of every token whose text has begun to be told.
void Voice::tell_logprobs(std::vector<Event>& events) {
  std::vector<TokenLogprobs> told;
  while (!untold_.empty() && untold_.front().begin < told_bytes_) {
    told.push_back(std::move(untold_.front().logprobs));
    untold_.pop_front();
  }
  if (!told.empty()) events.emplace_back(std::move(told));
}

}  // namespace quern::inference
