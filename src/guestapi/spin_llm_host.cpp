// The interface is in the WIT of Spin's SDKs: https://github.com/spinframework/spin, wit/deps.
#include "guestapi/spin_llm_host.hpp"

#include "guestapi/llm_embed.hpp"
#include "guestapi/llm_error.hpp"
#include "guestapi/llm_read.hpp"
#include "guestapi/token_count.hpp"
#include "guestapi/whole_answer.hpp"

#include <string>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::size_t kLongestName = 256;

// Spin's own values for calls that bring none. It knows no min-p, so there is none.
inference::Sampling default_sampling() {
  return {.max_tokens = 100,
          .temperature = 0.8F,
          .top_k = 40,
          .top_p = 0.9F,
          .min_p = 0.F,
          .repeat_penalty = 1.1F,
          .repeat_last_n = 64};
}

// option<inferencing-params>, its fields in their order.
inference::Sampling read_sampling(wasm::ValueReader& in) {
  inference::Sampling sampling = default_sampling();
  if (!in.present()) return sampling;
  sampling.max_tokens = in.u32();
  sampling.repeat_penalty = in.f32();
  sampling.repeat_last_n = in.u32();
  sampling.temperature = in.f32();
  sampling.top_k = in.u32();
  sampling.top_p = in.f32();
  return sampling;
}

// The interface's `error`, and the one table to it. model-not-supported carries no words.
void write_spin_error(wasm::ValueWriter& out, const LlmError& error) {
  using Case = LlmError::Case;
  switch (error.which) {
    case Case::model_not_found: out.discriminant(0); return;
    case Case::overloaded:
    case Case::budget_exhausted:
    case Case::deadline_exceeded:
    case Case::cancelled:
    case Case::unsupported:
    case Case::internal: out.discriminant(1).text(error.text); return;
    case Case::invalid_argument:
    case Case::permission_denied:
    case Case::context_full: out.discriminant(2).text(error.text); return;
  }
}

void write_answer(wasm::HostCall& call, const Result<WholeAnswer::Text>& answer) {
  if (!answer.ok()) return refuse(call, answer.error(), write_spin_error);
  wasm::ValueWriter out;
  out.present(true).text(answer->text);
  out.u32(answer->usage.prompt_tokens).u32(answer->usage.completion_tokens);
  call.resolve(out);
}

// A generation that is checked and counted.
Result<> begin(GuestInstance& guest, const std::shared_ptr<wasm::HostCall>& call,
               inference::Model& model, inference::CompletionRequest request,
               std::uint64_t prompt_tokens) {
  std::optional<std::uint32_t>& most = request.sampling.max_tokens;
  const Account::Grant grant = guest.account->reserve(prompt_tokens, most);
  if (grant.refusal) {
    refuse(*call, *grant.refusal, write_spin_error);
    return {};
  }
  Reservation reservation(guest.account, grant.reserved);
  most = grant.max_tokens;
  auto generation = TRY(model.complete(std::move(request), guest.caller()));
  return WholeAnswer::begin(guest, call, std::move(generation), std::move(reservation),
                            write_answer);
}

}  // namespace

wasm::HostFunction SpinLlmHost::function(Method method) {
  return [this, method](std::unique_ptr<wasm::HostCall> call) {
    const Call shared = std::move(call);
    const auto guest = std::dynamic_pointer_cast<GuestInstance>(shared->state());
    if (!guest) return shared->trap("this guest was given no models at all");
    const Result<> done = (this->*method)(*guest, shared);
    if (!done.ok()) refuse(*shared, done.error(), write_spin_error);
  };
}

Result<> SpinLlmHost::with_model(
    GuestInstance& guest, const Call& call, std::string_view name,
    std::function<Result<>(const std::shared_ptr<inference::Model>&)> go_on) {
  if (name.size() > kLongestName) {
    return fail(ErrorKind::invalid_argument, "a model's name has at most 256 bytes");
  }
  const std::string granted = TRY(guest.granted_model(name, work_.models()));
  return work_.open(granted, [call, go_on = std::move(go_on)](const auto& model) {
    const Result<> done = model.ok() ? go_on(*model) : fail(model.error());
    if (!done.ok()) refuse(*call, done.error(), write_spin_error);
  });
}

Result<> SpinLlmHost::infer(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const std::string name = TRY(in.text());
  inference::CompletionRequest request{.prompt = TRY(in.text()), .sampling = {}, .format = {}};
  request.sampling = read_sampling(in.values());
  const auto go_on = [this, &guest, call, request = std::move(request)](
                         const auto& model) -> Result<> {  // the call holds its guest
    TRY(inference::check_sampling(request.sampling, model->info().vocabulary));
    if (!guest.account->limited()) return begin(guest, call, *model, request, 0);
    return work_.count(request.prompt.size(), [&guest, call, model, request] {
      const auto tokens = tokens_in(*model, request.prompt);
      const Result<> done =
          tokens.ok() ? begin(guest, call, *model, request, *tokens) : fail(tokens.error());
      if (!done.ok()) refuse(*call, done.error(), write_spin_error);
    });
  };
  return with_model(guest, call, name, go_on);
}

Result<> SpinLlmHost::generate_embeddings(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const std::string name = TRY(in.text());
  std::vector<std::string> texts = TRY(in.texts());
  return with_model(guest, call, name,
                    [this, &guest, call, texts = std::move(texts)](const auto& model) {
                      return embed_texts(guest, call, work_, model, texts, write_spin_error);
                    });
}

wasm::HostInterface SpinLlmHost::interface() {
  return {.name = "fermyon:spin/llm@2.0.0",
          .functions = {{"infer", function(&SpinLlmHost::infer)},
                        {"generate-embeddings", function(&SpinLlmHost::generate_embeddings)}},
          .resources = {}};
}

}  // namespace quern::guestapi
