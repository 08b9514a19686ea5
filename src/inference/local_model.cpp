#include "inference/local_model.hpp"

#include <llama.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace quern::inference {
namespace {

constexpr std::uint32_t kDefaultContext = 8192;
constexpr std::uint32_t kLeastContext = 256;
constexpr std::uint32_t kMostRunning = 64;
constexpr std::size_t kMostTextsWaiting = 4096;

class LocalGeneration final : public Generation {
 public:
  explicit LocalGeneration(std::shared_ptr<EventChannel> channel) : channel_(std::move(channel)) {}
  ~LocalGeneration() override { channel_->close(); }

  Result<std::vector<Event>> read() override { return channel_->read(); }
  void on_ready(std::function<void()> wake) override {
    const auto channel = channel_;  // the wake may destroy this generation
    channel->on_ready(std::move(wake));
  }
  void cancel() override { channel_->stop(); }
  Usage usage() const override { return channel_->usage(); }
  std::optional<ContextFull> context_full() const override { return channel_->context_full(); }

 private:
  std::shared_ptr<EventChannel> channel_;
};

std::uint64_t placed_at(const std::filesystem::path& path) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(path, error);
  if (error) return 0;
  const auto since = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

ModelInfo info_of(const ModelSource& source, const Weights& weights, std::uint32_t context_tokens,
                  bool chat) {
  llama_model* const model = weights.model();
  return {.name = source.name,
          .architecture = weights.metadata("general.architecture"),
          .parameters = llama_model_n_params(model),
          .size = Bytes{llama_model_size(model)},
          .context_tokens = context_tokens,
          .embedding_length = static_cast<std::uint32_t>(llama_model_n_embd_out(model)),
          .vocabulary = weights.size(),
          .chat = chat,
          .digest = source.digest,
          .created = placed_at(source.path)};
}

// A context for `wanted` tokens, or for the half, the quarter... that memory has room for.
Result<std::unique_ptr<LlamaDecoder>> make_decoder(const std::shared_ptr<const Weights>& weights,
                                                   const EngineOptions& options,
                                                   std::uint32_t& wanted) {
  for (;;) {
    // Short contexts are shared by many; a long one is enough for all.
    const std::uint32_t cells =
        std::max(wanted, std::min(kDefaultContext, wanted * options.max_running));
    auto decoder = LlamaDecoder::create(
        weights, {.cells = cells, .max_running = options.max_running, .threads = options.threads});
    if (decoder.ok() || decoder.error().kind() != ErrorKind::resource_exhausted ||
        options.context_tokens != 0 || wanted / 2 < kLeastContext) {
      return decoder;
    }
    wanted /= 2;
  }
}

}  // namespace

Result<std::shared_ptr<Model>> LocalModel::load(const ModelSource& source,
                                                const EngineOptions& options) {
  auto weights = TRY(Weights::load(source.path));
  const auto trained =
      static_cast<std::uint32_t>(std::max(1, llama_model_n_ctx_train(weights->model())));
  std::uint32_t context = options.context_tokens == 0 ? kDefaultContext : options.context_tokens;
  context = std::min(context, trained);
  auto format = TRY(ChatFormat::of(weights));
  auto decoder = make_decoder(weights, options, context);
  if (!decoder.ok() && decoder.error().kind() != ErrorKind::unsupported) {
    return fail(std::move(decoder).error());
  }
  ModelInfo info = info_of(source, *weights, context, format != nullptr && decoder.ok());
  return std::shared_ptr<Model>(new LocalModel(std::move(info), options, std::move(weights),
                                               std::move(format),
                                               decoder.ok() ? *std::move(decoder) : nullptr));
}

LocalModel::LocalModel(ModelInfo info, EngineOptions options,
                       std::shared_ptr<const Weights> weights, std::unique_ptr<ChatFormat> format,
                       std::unique_ptr<LlamaDecoder> decoder)
    : info_(std::move(info)),
      options_(options),
      weights_(std::move(weights)),
      format_(std::move(format)),
      defaults_(weights_->sampling_defaults()) {
  if (!decoder) return;
  thread_ = std::make_unique<ModelThread>(
      std::move(decoder), counters_,
      SchedulerOptions{.context_tokens = info_.context_tokens,
                       .max_running = std::clamp(options.max_running, 1U, kMostRunning),
                       .prefill_chunk = std::max(options.prefill_chunk, 1U),
                       .cache_tokens = options.cache_tokens,
                       .cache_memory = options.cache_memory,
                       .cache_sharing = options.cache_sharing});
}

Result<std::unique_ptr<Generation>> LocalModel::chat(ChatRequest request, Caller caller) {
  Sampling sampling = std::move(request.sampling);
  auto shared = std::make_shared<const ChatRequest>(std::move(request));
  return admit(std::move(caller), std::move(sampling), [this, shared] { return render(*shared); });
}

Result<std::unique_ptr<Generation>> LocalModel::complete(CompletionRequest request, Caller caller) {
  Sampling sampling = std::move(request.sampling);
  auto shared = std::make_shared<const CompletionRequest>(std::move(request));
  return admit(std::move(caller), std::move(sampling), [shared]() -> Result<RenderedChat> {
    RenderedChat raw;
    raw.prompt = shared->prompt;
    raw.grammar = TRY(grammar_of(shared->format));
    return raw;
  });
}

Result<std::unique_ptr<Generation>> LocalModel::admit(Caller caller, Sampling sampling,
                                                      Prompt prompt) {
  if (!thread_) return fail(ErrorKind::unsupported, info_.name + " only embeds");
  if (counters_->in_flight.fetch_add(1) >= options_.max_running + options_.max_waiting) {
    --counters_->in_flight;
    return fail(ErrorKind::resource_exhausted, "too many requests are waiting for " + info_.name);
  }
  auto job = std::make_shared<std::unique_ptr<Job>>(std::make_unique<Job>());
  (*job)->tenant = std::move(caller.tenant);
  (*job)->deadline = caller.deadline;
  (*job)->admitted = std::chrono::steady_clock::now();
  (*job)->channel = std::make_shared<EventChannel>(options_.max_unread_events, thread_->nudge());
  auto generation = std::make_unique<LocalGeneration>((*job)->channel);
  preparation_.post([this, job, wanted = std::move(sampling),
                     ask = std::move(prompt)](const std::stop_token& stop) {
    if (stop.stop_requested()) {
      give_up(**job, Error(ErrorKind::unavailable, "the model is shutting down"));
    } else {
      prepare(std::move(*job), wanted, ask);
    }
  });
  return std::unique_ptr<Generation>(std::move(generation));
}

void LocalModel::prepare(std::unique_ptr<Job> job, const Sampling& sampling, const Prompt& prompt) {
  Result<> filled;
  if (!job->channel->stopped() && !job->deadline.passed()) {
    try {
      filled = fill(*job, sampling, prompt);
    } catch (const std::exception& error) {
      filled = fail(ErrorKind::internal, std::string("preparing the request: ") + error.what());
    }
  } else {
    job->tokens.push_back(0);  // the scheduler says which of the two it was
  }
  if (!filled.ok()) return give_up(*job, std::move(filled).error());
  thread_->add(std::move(job));
}

// Everything about a job that needs the model's vocabulary.
Result<> LocalModel::fill(Job& job, const Sampling& sampling, const Prompt& prompt) {
  VoiceOptions voice;
  voice.sampling = TRY(resolve(sampling, defaults_, weights_->size()));
  RenderedChat rendered = TRY(prompt());
  job.tokens = TRY(tokens_of(rendered.prompt));
  job.usage.prompt_tokens = static_cast<std::uint32_t>(job.tokens.size());
  job.max_tokens = sampling.max_tokens.value_or(std::numeric_limits<std::uint32_t>::max());
  if (job.tokens.size() >= info_.context_tokens) {
    const ContextFull numbers{job.usage.prompt_tokens, info_.context_tokens};
    job.channel->set_context_full(numbers);
    return fail(ErrorKind::resource_exhausted,
                "the prompt has " + std::to_string(numbers.prompt_tokens) + " tokens; " +
                    info_.name + " holds " + std::to_string(numbers.context_tokens));
  }
  voice.stop = sampling.stop;
  voice.stop.insert(voice.stop.end(), rendered.stop.begin(), rendered.stop.end());
  voice.logprobs = sampling.logprobs;
  voice.shown = std::move(rendered.shown);
  voice.parser = std::move(rendered.parser);
  if (rendered.grammar) voice.constraint = TRY(make_grammar(weights_->texts(), *rendered.grammar));
  job.speaker = std::make_unique<Voice>(weights_, std::move(voice), job.channel, job.tokens);
  return {};
}

void LocalModel::give_up(const Job& job, Error error) {
  job.channel->fail(std::move(error));
  --counters_->in_flight;
}

Result<RenderedChat> LocalModel::render(const ChatRequest& request) const {
  if (!format_) {
    return fail(ErrorKind::unsupported,
                info_.name + " has no chat template; it can only complete raw text");
  }
  return format_->render(request);
}

Result<std::vector<Token>> LocalModel::tokens_of(const std::string& prompt) const {
  auto tokens = TRY(weights_->tokenize(prompt, Weights::Begin::add, true));
  if (tokens.empty()) {
    const Token begin = llama_vocab_bos(weights_->vocab());
    if (begin == LLAMA_TOKEN_NULL) return fail(ErrorKind::invalid_argument, "the prompt is empty");
    tokens.push_back(begin);
  }
  return tokens;
}

void LocalModel::embed(std::vector<std::string> texts, Caller caller,
                       std::function<void(Result<Embeddings>)> done) {
  const auto count = static_cast<std::uint32_t>(texts.size());
  if (texts_waiting_.fetch_add(count) + count > kMostTextsWaiting) {
    texts_waiting_ -= count;
    return done(fail(ErrorKind::resource_exhausted, "too many texts are waiting to be embedded"));
  }
  embedding_.post([this, count, deadline = caller.deadline, texts = std::move(texts),
                   done = std::move(done)](const std::stop_token& stop) {
    auto result = stop.stop_requested()
                      ? Result<Embeddings>(fail(ErrorKind::unavailable, "shutting down"))
                      : embed_now(texts, deadline);
    texts_waiting_ -= count;
    done(std::move(result));
  });
}

Result<Embeddings> LocalModel::embed_now(const std::vector<std::string>& texts, Deadline deadline) {
  if (deadline.passed())
    return fail(ErrorKind::deadline_exceeded, "embedding had to wait too long");
  try {
    if (!embedder_) {
      embedder_ = TRY(Embedder::create(weights_, info_.context_tokens, options_.threads));
    }
    return embedder_->embed(texts, deadline);
  } catch (const std::exception& error) {
    return fail(ErrorKind::internal, std::string("embedding: ") + error.what());
  }
}

Result<std::vector<Token>> LocalModel::tokenize(std::string_view text, bool special) const {
  return weights_->tokenize(text, Weights::Begin::bare, special);
}

Result<std::string> LocalModel::detokenize(const std::vector<Token>& tokens) const {
  std::string text;
  for (const Token token : tokens) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= weights_->size()) {
      return fail(ErrorKind::invalid_argument, "no token has the number " + std::to_string(token));
    }
    text += weights_->bytes_of(token, Vocabulary::Special::show);
  }
  return text;
}

Result<std::uint32_t> LocalModel::count_tokens(const ChatRequest& request) const {
  const RenderedChat rendered = TRY(render(request));
  return static_cast<std::uint32_t>(TRY(tokens_of(rendered.prompt)).size());
}

ModelLoad LocalModel::load() const {
  const std::uint32_t running = counters_->running;
  const std::uint32_t in_flight = counters_->in_flight;
  return {.running = running,
          .waiting = in_flight > running ? in_flight - running : 0,
          .cached_tokens = counters_->cached_tokens,
          .prompt_tokens_total = counters_->prompt_tokens,
          .cached_prompt_tokens_total = counters_->cached_prompt_tokens,
          .completion_tokens_total = counters_->completion_tokens};
}

}  // namespace quern::inference
