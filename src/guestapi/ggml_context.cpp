#include "guestapi/ggml_context.hpp"

#include "guestapi/guest_instance.hpp"
#include "guestapi/token_count.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::uint32_t kPrompt = 0;
constexpr std::uint32_t kOptions = 1;  // as an input; as an output: counts
constexpr std::size_t kMostPrompt = std::size_t{8} << 20U;
// What guests of this interface expect to be kept free of the context.
constexpr std::uint32_t kSpareTokens = 4;
constexpr std::string_view kImageTag = "<img src=\"data:image/";

std::string json_of(const std::vector<float>& vector) {
  std::string json = "{\"n_embedding\": " + std::to_string(vector.size()) + ", \"embedding\": [";
  std::array<char, 32> number{};
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const int size = std::snprintf(number.data(), number.size(), "%s%.10g", i == 0 ? "" : ", ",
                                   static_cast<double>(vector[i]));
    json.append(number.data(), static_cast<std::size_t>(size));
  }
  return json + "]}";
}

}  // namespace

// A text on its way to becoming a vector.
struct GgmlContext::Vectors {
  Reservation reservation;
  Later<Result<inference::Embeddings>> done;
  std::unique_ptr<inference::Embedding> running;
};

void GgmlContext::clear() {
  if (answer_) answer_->reservation.settle(answer_->generation->usage());
  answer_ = nullptr;
  if (vectors_ && vectors_->running) vectors_->reservation.settle(vectors_->running->usage());
  vectors_ = nullptr;
  counting_now_ = nullptr;
  text_.clear();
  piece_.clear();
  output_tokens_ = 0;
}

GgmlContext::~GgmlContext() { clear(); }

NnStep GgmlContext::set_input(std::uint32_t index, tensor::Tensor tensor) {
  if (tensor.type == tensor::ElementType::f64 || tensor.type == tensor::ElementType::i64) {
    return {NnStatus::invalid_argument,
            "a text of tensor type " + std::string(to_string(tensor.type)) + "; U8 is right"};
  }
  const std::string_view text = as_text(tensor.bytes);
  if (text.size() > kMostPrompt) return {NnStatus::too_large, "a prompt of more than 8 MiB"};
  if (index == kOptions) return merge_options(options_, text);
  if (text.find(kImageTag) != std::string::npos) {
    return {NnStatus::invalid_argument, "the prompt has an image; images are not offered"};
  }
  if (!held_.resize(text.size(), NnSession::kMostHeld)) {
    return {NnStatus::too_large, "the prompts and tensors of one guest may have 64 MiB together"};
  }
  clear();
  prompt_ = std::string(text);
  prompt_tokens_.reset();
  return {};
}

NnStep GgmlContext::set_input(std::string_view name, tensor::Tensor tensor) {
  return set_input(name == "options" ? kOptions : kPrompt, std::move(tensor));
}

void GgmlContext::forget_inputs() {
  clear();
  prompt_.clear();
  (void)held_.resize(0, 0);
  prompt_tokens_.reset();
}

std::uint32_t GgmlContext::context_tokens() const {
  const std::uint32_t own = model_->info().context_tokens;
  if (options_.ctx_size <= 0 || options_.ctx_size >= own) return own;
  return static_cast<std::uint32_t>(options_.ctx_size);
}

NnStep GgmlContext::count(NnCall& call) {
  if (prompt_tokens_) return {};
  if (!counting_now_) {
    if (prompt_.size() <= kShortText) {
      prompt_tokens_ = TRY(tokens_in(*model_, prompt_));
      return {};
    }
    auto later = std::make_shared<Later<Result<std::uint32_t>>>();
    TRY(counting_.run(
        [later, model = model_, text = prompt_] { later->put(tokens_in(*model, text)); }));
    counting_now_ = std::move(later);
  }
  auto counted = counting_now_->take_or_wait(call.waker());
  if (!counted) return NnStep::pending();
  counting_now_ = nullptr;
  prompt_tokens_ = TRY(*std::move(counted));
  return {};
}

NnStep GgmlContext::begin(NnCall& call, Mode mode) {
  if (prompt_.empty()) return {NnStatus::invalid_argument, "no prompt was set (input 0)"};
  if (NnStep counted = count(call); !counted.succeeded()) return counted;
  if (std::uint64_t{*prompt_tokens_} + kSpareTokens > context_tokens()) {
    return {NnStatus::prompt_too_long, "the prompt has " + std::to_string(*prompt_tokens_) +
                                           " tokens, the context " +
                                           std::to_string(context_tokens())};
  }
  clear();
  auto answer = std::make_unique<Answer>();
  answer->mode = mode;
  inference::CompletionRequest request{
      .prompt = prompt_, .sampling = sampling_of(options_), .format = format_of(options_)};
  std::uint32_t most = context_tokens() - *prompt_tokens_;
  if (mode == Mode::whole) {
    if (options_.n_predict > 0 && options_.n_predict <= most) {
      most = static_cast<std::uint32_t>(options_.n_predict);
      answer->wanted = true;
    }
    if (!options_.reverse_prompt.empty()) request.sampling.stop = {options_.reverse_prompt};
  }
  const Account::Grant grant = guest_.account->reserve(*prompt_tokens_, most);
  if (grant.refusal) return {NnStatus::runtime_error, grant.refusal->text};
  answer->reservation = Reservation(guest_.account, grant.reserved);
  request.sampling.max_tokens = grant.max_tokens;
  answer->generation = TRY(model_->complete(std::move(request), guest_.caller()));
  answer_ = std::move(answer);
  return {};
}

// The model ended, n-predict or a budget was reached, or the context is full.
NnStep GgmlContext::end_of(const inference::Finished& finished) const {
  const std::uint64_t used =
      std::uint64_t{finished.usage.prompt_tokens} + finished.usage.completion_tokens;
  const bool full = finished.reason == inference::FinishReason::length && !answer_->wanted &&
                    used >= context_tokens();
  return full ? NnStep(NnStatus::context_full) : NnStep();
}

NnStep GgmlContext::failed(const Error& error) const {
  if (!answer_->generation->context_full()) return fail(error);
  return {NnStatus::prompt_too_long, error.describe()};
}

NnStep GgmlContext::hear(NnCall& call) {
  if (answer_->end) return {};
  const auto events = answer_->generation->read();
  if (!events.ok()) {
    answer_->end = failed(events.error());
  } else if (events->empty()) {
    answer_->generation->on_ready(call.waker());
    return NnStep::pending();
  } else {
    for (const inference::Event& event : *events) {
      if (const auto* const content = std::get_if<inference::Content>(&event)) {
        answer_->unread.push_back(content->text);
      } else if (const auto* const finished = std::get_if<inference::Finished>(&event)) {
        answer_->end = end_of(*finished);
      }
    }
  }
  if (answer_->end) answer_->reservation.settle(answer_->generation->usage());
  return {};
}

NnStep GgmlContext::compute(NnCall& call) {
  if (options_.embedding) return embed(call);
  if (options_.n_predict == 0) {
    clear();
    return {};
  }
  if (answer_ && answer_->mode == Mode::single) clear();
  if (!answer_) {
    if (NnStep begun = begin(call, Mode::whole); !begun.succeeded()) return begun;
  }
  while (!answer_->end) {
    if (NnStep heard = hear(call); heard.is_pending()) return heard;
    for (std::string& piece : answer_->unread) {
      if (options_.stream_stdout) call.print(piece);
      text_ += piece;
    }
    answer_->unread.clear();
  }
  output_tokens_ = answer_->generation->usage().completion_tokens;
  prompt_tokens_ = std::max(answer_->generation->usage().prompt_tokens, *prompt_tokens_);
  return *std::exchange(answer_, nullptr)->end;
}

NnStep GgmlContext::compute_single(NnCall& call) {
  if (!answer_) {
    if (NnStep begun = begin(call, Mode::single); !begun.succeeded()) return begun;
  }
  while (answer_->unread.empty() && !answer_->end) {
    if (NnStep heard = hear(call); heard.is_pending()) return heard;
  }
  piece_.clear();
  if (answer_->unread.empty()) {
    output_tokens_ = answer_->generation->usage().completion_tokens;
    return answer_->end->succeeded() ? NnStep(NnStatus::end_of_sequence) : *answer_->end;
  }
  piece_ = std::move(answer_->unread.front());
  answer_->unread.pop_front();
  text_ += piece_;
  ++output_tokens_;
  return {};
}

NnStep GgmlContext::end_single() {
  clear();
  return {};
}

NnStep GgmlContext::output(std::uint32_t index, NnCall& call, std::string& out) {
  if (index != kOptions) {
    out = text_;
    return {};
  }
  if (!prompt_.empty()) {
    if (NnStep counted = count(call); !counted.succeeded()) return counted;
  }
  const inference::LibraryVersion library = inference::library_version();
  out = "{\"input_tokens\": " + std::to_string(prompt_tokens_.value_or(0)) +
        ", \"output_tokens\": " + std::to_string(output_tokens_) +
        ", \"llama_build_number\": " + std::to_string(library.build) + ", \"llama_commit\": \"" +
        std::string(library.commit) + "\"}";
  return {};
}

NnStep GgmlContext::output_single(std::uint32_t index, NnCall& call, std::string& out) {
  if (index == kOptions) return output(index, call, out);
  out = piece_;
  return {};
}

NnStep GgmlContext::outputs(NnCall& call, tensor::NamedTensors& out) {
  std::string counts;
  if (NnStep counted = output(kOptions, call, counts); !counted.succeeded()) return counted;
  const auto add = [&](const char* name, const std::string& text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    out.push_back({name, {.shape = {size}, .bytes = to_buffer(text)}});
  };
  add("text", text_);
  add("counts", counts);
  return {};
}

NnStep GgmlContext::embed(NnCall& call) {
  if (prompt_.empty()) return {NnStatus::invalid_argument, "no text was set (input 0)"};
  if (!vectors_) {
    if (NnStep counted = count(call); !counted.succeeded()) return counted;
    if (*prompt_tokens_ > options_.batch_size) {
      return {NnStatus::prompt_too_long, "the text has " + std::to_string(*prompt_tokens_) +
                                             " tokens, batch-size is " +
                                             std::to_string(options_.batch_size)};
    }
    const Account::Grant grant = guest_.account->reserve(*prompt_tokens_, 0);
    if (grant.refusal) return {NnStatus::runtime_error, grant.refusal->text};
    vectors_ = std::make_shared<Vectors>();
    vectors_->reservation = Reservation(guest_.account, grant.reserved);
    vectors_->running =
        model_->embed({prompt_}, guest_.caller(), [weak = std::weak_ptr(vectors_)](auto result) {
          if (const auto vectors = weak.lock()) vectors->done.put(std::move(result));
        });
  }
  const auto done = vectors_->done.take_or_wait(call.waker());
  if (!done) return NnStep::pending();
  const auto vectors = std::exchange(vectors_, nullptr);
  vectors->reservation.settle(vectors->running->usage());
  if (!done->ok()) return fail(done->error());
  prompt_tokens_ = (*done)->prompt_tokens;
  text_ = json_of((*done)->vectors.front());
  output_tokens_ = 0;
  return {};
}

}  // namespace quern::guestapi
