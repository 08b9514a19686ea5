// An engine that speaks from a script. Prompts are matched as text, tokens are words, sampling
// options are not looked at: a test says what it wants to hear. Delays are served by one timer
// thread for the whole engine.
#include "inference/event_channel.hpp"
#include "inference/inference.hpp"
#include "inference/named_models.hpp"
#include "inference/timer_thread.hpp"
#include "inference/words.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <utility>

namespace quern::inference {
namespace {

constexpr std::uint32_t kContextTokens = 4096;
constexpr std::uint32_t kEmbeddingLength = 16;
constexpr std::size_t kUnreadEvents = 256;

std::uint32_t count_words(std::string_view text) {
  return static_cast<std::uint32_t>(split_words(text).size());
}

struct Counters {
  std::atomic<std::uint32_t> running = 0;
  std::atomic<std::uint64_t> prompt_tokens = 0;
  std::atomic<std::uint64_t> completion_tokens = 0;
  std::atomic<std::uint64_t> embedded_tokens = 0;
};

// One answer being spoken. Owned by the reader's handle and by the timer's next call.
class Speech : public std::enable_shared_from_this<Speech> {
 public:
  Speech(ScriptLine line, std::uint32_t prompt_tokens, Deadline deadline, TimerThread::Handle timer,
         std::shared_ptr<Counters> counters)
      : line_(std::move(line)),
        deadline_(deadline),
        timer_(std::move(timer)),
        counters_(std::move(counters)),
        channel_(kUnreadEvents, nullptr) {
    usage_.prompt_tokens = prompt_tokens;
    channel_.meter(usage_);
    counters_->prompt_tokens += prompt_tokens;
    ++counters_->running;
  }
  ~Speech() { --counters_->running; }

  EventChannel& channel() { return channel_; }

  // Says everything that is due and plans the rest.
  void start() {
    if (line_.delay_per_event == std::chrono::milliseconds::zero()) {
      while (step()) continue;
    } else {
      plan();
    }
  }

 private:
  void plan() {
    const auto when = std::min(TimerThread::Clock::now() + line_.delay_per_event, deadline_.when());
    timer_.at(when, [self = weak_from_this()](TimerThread::Reason reason) {
      const auto speech = self.lock();
      if (!speech) return;
      if (reason == TimerThread::Reason::shutting_down) {
        speech->channel_.fail(Error(ErrorKind::unavailable, "the model is shutting down"));
      } else if (speech->step()) {
        speech->plan();
      }
    });
  }

  // Says one event; false when it was the last.
  bool step() {
    if (deadline_.passed()) {
      channel_.fail(Error(ErrorKind::deadline_exceeded, "the answer took longer than allowed"));
      return false;
    }
    if (channel_.stopped() || next_ == line_.events.size()) return end();
    Event event = line_.events[next_++];
    if (const auto* finished = std::get_if<Finished>(&event)) {
      channel_.finish(*finished);
      return false;
    }
    if (const auto* content = std::get_if<Content>(&event)) count(content->text);
    if (const auto* reasoning = std::get_if<Reasoning>(&event)) count(reasoning->text);
    calls_tool_ |= std::holds_alternative<ToolCallDelta>(event);
    channel_.push(std::move(event));
    return true;
  }

  bool end() {
    if (line_.error && !channel_.stopped()) {
      channel_.fail(*line_.error);
    } else {
      channel_.finish({.reason = calls_tool_ ? FinishReason::tool_calls : FinishReason::stop,
                       .usage = usage_,
                       .timings = {}});
    }
    return false;
  }

  void count(std::string_view text) {
    const std::uint32_t words = count_words(text);
    usage_.completion_tokens += words;
    channel_.meter(usage_);
    counters_->completion_tokens += words;
  }

  ScriptLine line_;
  Deadline deadline_;
  TimerThread::Handle timer_;
  std::shared_ptr<Counters> counters_;
  EventChannel channel_;
  std::size_t next_ = 0;
  Usage usage_;
  bool calls_tool_ = false;
};

class FakeGeneration final : public Generation {
 public:
  explicit FakeGeneration(std::shared_ptr<Speech> speech) : speech_(std::move(speech)) {}
  ~FakeGeneration() override { speech_->channel().close(); }

  Result<std::vector<Event>> read() override { return speech_->channel().read(); }
  void on_ready(std::function<void()> wake) override {
    const auto speech = speech_;  // the wake may destroy this generation
    speech->channel().on_ready(std::move(wake));
  }
  void cancel() override { speech_->channel().stop(); }
  Usage usage() const override { return speech_->channel().usage(); }
  std::optional<ContextFull> context_full() const override {
    return speech_->channel().context_full();
  }

 private:
  std::shared_ptr<Speech> speech_;
};

class FakeEmbedding final : public Embedding {
 public:
  explicit FakeEmbedding(std::uint32_t tokens) : tokens_(tokens) {}
  Usage usage() const override {
    return {.prompt_tokens = tokens_, .cached_tokens = 0, .completion_tokens = 0};
  }

 private:
  const std::uint32_t tokens_;
};

// Unit length, and the same for the same text: each word adds to one of the axes.
std::vector<float> embedding_of(std::string_view text) {
  std::vector<float> vector(kEmbeddingLength, 0.F);
  vector[0] = 1;
  for (const std::string_view word : split_words(text)) {
    std::uint64_t hash = 14695981039346656037U;  // FNV-1a, so that tests may count on the values
    for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    vector[hash % kEmbeddingLength] += 1;
  }
  const float length =
      std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.F));
  for (float& value : vector) value /= length;
  return vector;
}

std::string text_of(const ChatRequest& request) {
  std::string text;
  for (const Message& message : request.messages) text += message.text + "\n";
  return text;
}

class FakeModel final : public Model {
 public:
  FakeModel(ModelInfo info, std::shared_ptr<const std::vector<ScriptLine>> script,
            std::shared_ptr<TimerThread> timer)
      : info_(std::move(info)), script_(std::move(script)), timer_(std::move(timer)) {}

  const ModelInfo& info() const override { return info_; }

  Result<std::unique_ptr<Generation>> chat(ChatRequest request, Caller caller) override {
    if (request.messages.empty()) {
      return speak({.when = {},
                    .events = {},
                    .error = Error(ErrorKind::invalid_argument, "the conversation is empty")},
                   0, caller);
    }
    return answer(request.messages.back().text, count_words(text_of(request)), caller);
  }

  Result<std::unique_ptr<Generation>> complete(CompletionRequest request, Caller caller) override {
    return answer(request.prompt, count_words(request.prompt), caller);
  }

  // Embeds at once.
  std::unique_ptr<Embedding> embed(std::vector<std::string> texts, Caller /*caller*/,
                                   std::function<void(Result<Embeddings>)> done) override {
    Embeddings result;
    for (const std::string& text : texts) {
      result.vectors.push_back(embedding_of(text));
      result.prompt_tokens += count_words(text);
    }
    counters_->embedded_tokens += result.prompt_tokens;
    auto embedded = std::make_unique<FakeEmbedding>(result.prompt_tokens);
    done(std::move(result));
    return embedded;
  }

  Result<std::vector<Token>> tokenize(std::string_view text, bool /*special*/) const override {
    return vocabulary_.tokenize(text);
  }
  Result<std::string> detokenize(const std::vector<Token>& tokens) const override {
    return vocabulary_.detokenize(tokens);
  }
  Result<std::uint32_t> count_tokens(const ChatRequest& request) const override {
    return count_words(text_of(request));
  }
  ModelLoad load() const override {
    ModelLoad load;
    load.running = counters_->running;
    load.prompt_tokens_total = counters_->prompt_tokens;
    load.completion_tokens_total = counters_->completion_tokens;
    load.embedded_tokens_total = counters_->embedded_tokens;
    return load;
  }

 private:
  Result<std::unique_ptr<Generation>> answer(const std::string& prompt, std::uint32_t tokens,
                                             const Caller& caller) {
    for (const ScriptLine& line : *script_) {
      if (prompt.find(line.when) != std::string::npos) return speak(line, tokens, caller);
    }
    return speak({.when = {},
                  .events = {},
                  .error = Error(ErrorKind::invalid_argument, "the script has no answer to this")},
                 tokens, caller);
  }

  Result<std::unique_ptr<Generation>> speak(ScriptLine line, std::uint32_t prompt_tokens,
                                            const Caller& caller) {
    auto speech = std::make_shared<Speech>(std::move(line), prompt_tokens, caller.deadline,
                                           timer_->handle(), counters_);
    speech->start();
    return std::unique_ptr<Generation>(std::make_unique<FakeGeneration>(std::move(speech)));
  }

  ModelInfo info_;
  std::shared_ptr<const std::vector<ScriptLine>> script_;
  std::shared_ptr<TimerThread> timer_;
  std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
  mutable WordVocabulary vocabulary_;
};

class FakeEngine final : public Engine {
 public:
  FakeEngine(std::string model_name, std::vector<ScriptLine> script)
      : script_(std::make_shared<const std::vector<ScriptLine>>(std::move(script))) {
    add({.name = std::move(model_name), .path = {}, .digest = {}});
  }

  // Any path is as good as any other: the new model speaks from the same script.
  Result<std::shared_ptr<Model>> load(ModelSource source) override {
    return add(std::move(source));
  }

  Result<std::shared_ptr<Model>> find(std::string_view name) const override {
    return models_.find(name);
  }

  std::vector<ModelInfo> models() const override { return models_.infos(); }

  std::string device() const override { return "fake"; }

 private:
  std::shared_ptr<Model> add(ModelSource source) {
    ModelInfo info{.name = source.name,
                   .architecture = "fake",
                   .parameters = 0,
                   .size = {},
                   .context_tokens = kContextTokens,
                   .embedding_length = kEmbeddingLength,
                   .vocabulary = WordVocabulary::kMostWords,
                   .chat = true,
                   .digest = std::move(source.digest),
                   .created = 0};
    auto model = std::make_shared<FakeModel>(std::move(info), script_, timer_);
    models_.put(std::move(source.name), model);
    return model;
  }

  std::shared_ptr<const std::vector<ScriptLine>> script_;
  std::shared_ptr<TimerThread> timer_ = std::make_shared<TimerThread>();
  NamedModels models_;
};

}  // namespace

std::unique_ptr<Engine> make_fake_engine(std::string model_name, std::vector<ScriptLine> script) {
  return std::make_unique<FakeEngine>(std::move(model_name), std::move(script));
}

}  // namespace quern::inference
