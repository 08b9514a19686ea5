#include "inference/local_model.hpp"

#include "inference/embedder.hpp"

#include <llama.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace quern::inference {
namespace {

constexpr std::uint32_t kDefaultContext = 8192;
constexpr std::uint32_t kLeastContext = 256;
constexpr std::uint32_t kMostRunning = 64;
// Between two wakes of a reader: no eye sees the difference, and the model keeps its processors.
constexpr std::chrono::milliseconds kPace{30};

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

// What no template leaves out; of earlier answers it may show a part.
std::size_t bytes_to_show(const ChatRequest& request) {
  std::size_t bytes = 0;
  for (const Message& message : request.messages) {
    if (message.role != Role::assistant) bytes += message.text.size();
  }
  return bytes;
}

Error does_not_fit(const ContextFull& numbers, std::string_view least, const std::string& model) {
  return {ErrorKind::resource_exhausted,
          "the prompt has " + std::string(least) + std::to_string(numbers.prompt_tokens) +
              " tokens; " + model + " holds " + std::to_string(numbers.context_tokens)};
}

}  // namespace

Result<std::shared_ptr<LocalModel>> LocalModel::load(const ModelSource& source,
                                                     const EngineOptions& options) {
  auto weights = TRY(Weights::load(source.path, source.adapters));
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
  return std::shared_ptr<LocalModel>(new LocalModel(std::move(info), options, std::move(weights),
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
      defaults_(weights_->sampling_defaults()),
      embedding_(
          [this] { return Embedder::create(weights_, info_.context_tokens, options_.threads); }) {
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
  Wanted wanted{
      .sampling = std::move(request.sampling), .least_bytes = bytes_to_show(request), .render = {}};
  auto shared = std::make_shared<const ChatRequest>(std::move(request));
  wanted.render = [this, shared] { return render(*shared); };
  return admit(std::move(caller), std::move(wanted));
}

// The whole of a raw prompt is the caller's, so that control words in it are control tokens.
Result<std::unique_ptr<Generation>> LocalModel::complete(CompletionRequest request, Caller caller) {
  Wanted wanted{
      .sampling = std::move(request.sampling), .least_bytes = request.prompt.size(), .render = {}};
  auto shared = std::make_shared<const CompletionRequest>(std::move(request));
  wanted.render = [shared]() -> Result<RenderedChat> {
    RenderedChat raw;
    raw.prompt.push_back({.text = shared->prompt});
    raw.grammar = TRY(grammar_of(shared->format));
    return raw;
  };
  return admit(std::move(caller), std::move(wanted));
}

Result<std::unique_ptr<Generation>> LocalModel::admit(Caller caller, Wanted wanted) {
  if (!thread_) return fail(ErrorKind::unsupported, info_.name + " only embeds");
  if (counters_->in_flight.fetch_add(1) >= options_.max_running + options_.max_waiting) {
    --counters_->in_flight;
    return fail(ErrorKind::resource_exhausted, "too many requests are waiting for " + info_.name);
  }
  auto job = std::make_shared<std::unique_ptr<Job>>(std::make_unique<Job>());
  (*job)->tenant = caller.tenant;
  (*job)->request = caller.request;
  (*job)->deadline = caller.deadline;
  (*job)->admitted = std::chrono::steady_clock::now();
  (*job)->channel = std::make_shared<EventChannel>(options_.max_unread_events, thread_->nudge());
  (*job)->channel->pace(kPace);
  auto generation = std::make_unique<LocalGeneration>((*job)->channel);
  // Said here, so that nobody's far too long text keeps the preparation thread from others.
  if (const auto numbers = hopeless(wanted.least_bytes)) {
    (*job)->channel->set_context_full(*numbers);
    give_up(**job, does_not_fit(*numbers, "at least ", info_.name));
    return std::unique_ptr<Generation>(std::move(generation));
  }
  preparation_.post(std::move(caller.tenant),
                    [this, job, asked = std::move(wanted)](const std::stop_token& stop) {
                      prepare(std::move(*job), asked, stop);
                      return WorkerThread::Next::done;
                    });
  return std::unique_ptr<Generation>(std::move(generation));
}

void LocalModel::prepare(std::unique_ptr<Job> job, const Wanted& wanted,
                         const std::stop_token& stop) {
  const KeepOn keep_on = [&]() -> Result<> {
    if (stop.stop_requested()) return fail(ErrorKind::unavailable, "the model is shutting down");
    if (job->channel->stopped()) return fail(ErrorKind::cancelled, "nobody wants this any more");
    if (job->deadline.passed()) {
      return fail(ErrorKind::deadline_exceeded, "the prompt was not read in the time allowed");
    }
    return {};
  };
  Result<> filled = keep_on();
  try {
    if (filled.ok()) filled = fill(*job, wanted, keep_on);
  } catch (const std::exception& error) {
    filled = fail(ErrorKind::internal, std::string("preparing the request: ") + error.what());
  }
  if (!filled.ok() && filled.error().kind() == ErrorKind::cancelled) {
    job->channel->finish({.reason = FinishReason::stop, .usage = job->usage, .timings = {}});
    --counters_->in_flight;
    return;
  }
  if (!filled.ok()) return give_up(*job, std::move(filled).error());
  thread_->add(std::move(job));
}

// Everything about a job that needs the model's vocabulary.
Result<> LocalModel::fill(Job& job, const Wanted& wanted, const KeepOn& keep_on) {
  const Sampling& sampling = wanted.sampling;
  VoiceOptions voice;
  voice.sampling = TRY(resolve(sampling, defaults_, weights_->size()));
  RenderedChat rendered = TRY(wanted.render());
  TRY(read_prompt(job, rendered.prompt, keep_on));
  job.max_tokens = sampling.max_tokens.value_or(std::numeric_limits<std::uint32_t>::max());
  voice.stop = sampling.stop;
  voice.stop.insert(voice.stop.end(), rendered.stop.begin(), rendered.stop.end());
  voice.logprobs = sampling.logprobs;
  voice.shown = std::move(rendered.shown);
  voice.parser = std::move(rendered.parser);
  if (rendered.grammar) voice.constraint = TRY(make_grammar(weights_->texts(), *rendered.grammar));
  job.speaker = std::make_unique<Voice>(weights_, std::move(voice), job.channel, job.tokens);
  return {};
}

Result<> LocalModel::read_prompt(Job& job, const Prompt& prompt, const KeepOn& keep_on) const {
  std::optional<ContextFull> numbers = hopeless(bytes_of(prompt));
  const std::string_view least = numbers ? "at least " : "";
  if (!numbers) {
    job.tokens = TRY(tokens_of(*weights_, prompt, keep_on));
    job.usage.prompt_tokens = static_cast<std::uint32_t>(job.tokens.size());
    if (job.tokens.size() < info_.context_tokens) return {};
    numbers = {job.usage.prompt_tokens, info_.context_tokens};
  }
  job.channel->set_context_full(*numbers);
  return fail(does_not_fit(*numbers, least, info_.name));
}

std::optional<ContextFull> LocalModel::hopeless(std::size_t bytes) const {
  const std::size_t least = bytes / weights_->longest_token();
  if (least < info_.context_tokens) return std::nullopt;
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  return ContextFull{static_cast<std::uint32_t>(std::min(least, kMost)), info_.context_tokens};
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

std::unique_ptr<Embedding> LocalModel::embed(std::vector<std::string> texts, Caller caller,
                                             std::function<void(Result<Embeddings>)> done) {
  return embedding_.add(std::move(texts), std::move(caller), std::move(done));
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
  if (const auto numbers = hopeless(bytes_to_show(request))) return numbers->prompt_tokens;
  const RenderedChat rendered = TRY(render(request));
  if (const auto numbers = hopeless(bytes_of(rendered.prompt))) return numbers->prompt_tokens;
  const auto tokens = TRY(tokens_of(*weights_, rendered.prompt, [] { return Result<>(); }));
  return static_cast<std::uint32_t>(tokens.size());
}

ModelLoad LocalModel::load() const {
  const std::uint32_t running = counters_->running;
  const std::uint32_t in_flight = counters_->in_flight;
  return {.running = running,
          .waiting = in_flight > running ? in_flight - running : 0,
          .cached_tokens = counters_->cached_tokens,
          .texts_waiting = embedding_.texts_waiting(),
          .prompt_tokens_total = counters_->prompt_tokens,
          .cached_prompt_tokens_total = counters_->cached_prompt_tokens,
          .completion_tokens_total = counters_->completion_tokens,
          .embedded_tokens_total = embedding_.tokens_total(),
          .step = step_lasts(counters_->step_began)};
}

}  // namespace quern::inference
