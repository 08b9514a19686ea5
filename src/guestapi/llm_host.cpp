#include "guestapi/llm_host.hpp"

#include "guestapi/llm_check.hpp"
#include "guestapi/llm_embed.hpp"
#include "guestapi/llm_error.hpp"
#include "guestapi/llm_handles.hpp"
#include "guestapi/llm_read.hpp"
#include "guestapi/llm_write.hpp"
#include "guestapi/token_count.hpp"

#include <optional>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::size_t kLongestName = 256;

void refuse(wasm::HostCall& call, const LlmError& error) {
  guestapi::refuse(call, error, write_error);
}
void refuse(wasm::HostCall& call, const Error& error) {
  guestapi::refuse(call, error, write_error);
}

// result<own<...>, error>
Result<> answer_handle(GuestInstance& guest, wasm::HostCall& call, std::shared_ptr<Handle> handle) {
  const std::uint32_t id = TRY(guest.handles.add(std::move(handle)));
  wasm::ValueWriter out;
  call.resolve(out.present(true).resource(id));
  return {};
}

// Starts a generation that is checked and counted.
template <class Timed, class Start>
Result<> begin(GuestInstance& guest, wasm::HostCall& call, Timed timed, std::uint64_t prompt_tokens,
               Start start) {
  std::optional<std::uint32_t>& most = timed.request.sampling.max_tokens;
  const Account::Grant grant = guest.account->reserve(prompt_tokens, most);
  if (grant.refusal) {
    refuse(call, *grant.refusal);
    return {};
  }
  if (guest.account->limited()) most = grant.max_tokens;
  auto generation = start(std::move(timed.request), guest.caller(timed.timeout));
  if (!generation.ok()) {
    guest.account->settle(grant.reserved, {});
    return fail(std::move(generation).error());
  }
  return answer_handle(
      guest, call,
      std::make_shared<LlmGeneration>(*std::move(generation), guest.account, grant.reserved));
}

}  // namespace

wasm::HostFunction LlmHost::function(Method method) {
  return [this, method](std::unique_ptr<wasm::HostCall> call) {
    const Call shared = std::move(call);
    const auto guest = std::dynamic_pointer_cast<GuestInstance>(shared->state());
    if (!guest) return shared->trap("this guest was given no models at all");
    const Result<> done = (this->*method)(*guest, shared);
    if (!done.ok()) refuse(*shared, done.error());
  };
}

Result<> LlmHost::count(const Call& call, std::uint64_t text_bytes, std::function<Result<>()> job) {
  return work_.count(text_bytes, [call, job = std::move(job)] {
    const Result<> done = job();
    if (!done.ok()) refuse(*call, done.error());
  });
}

Result<> LlmHost::granted_models(GuestInstance& guest, const Call& call) {
  const auto models = guest.granted_models(work_.models());
  wasm::ValueWriter out;
  out.count(models.size());
  for (const inference::ModelInfo& info : models) write_model_info(out, info, info.name);
  call->resolve(out);
  return {};
}

Result<> LlmHost::open(GuestInstance& guest, const Call& call) {
  const std::string name = TRY(LlmReader(call->arguments()).text());
  if (name.size() > kLongestName) {
    return fail(ErrorKind::invalid_argument, "a model's name has at most 256 bytes");
  }
  const std::string granted = TRY(guest.granted_model(name, work_.models()));
  return work_.open(granted, [&guest, call, granted](const auto& model) {  // call holds guest
    const Result<> done =
        model.ok() ? answer_handle(guest, *call, std::make_shared<LlmModel>(*model, granted))
                   : fail(model.error());
    if (!done.ok()) refuse(*call, done.error());
  });
}

Result<> LlmHost::info(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto model = TRY(guest.handles.find<LlmModel>(in.resource(), "model"));
  wasm::ValueWriter out;
  write_model_info(out, model->model->info(), model->name);
  call->resolve(out);
  return {};
}

Result<> LlmHost::chat(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto model = TRY(guest.handles.find<LlmModel>(in.resource(), "model"))->model;
  TimedChat timed = TRY(in.chat());
  TRY(check_chat(timed.request, model->info()));
  const auto start = [model](inference::ChatRequest request, inference::Caller caller) {
    return model->chat(std::move(request), std::move(caller));
  };
  if (!guest.account->limited()) return begin(guest, *call, std::move(timed), 0, start);
  return count(call, in.text_bytes(),
               [&guest, call, model, start, timed = std::move(timed)]() -> Result<> {
                 const std::uint32_t tokens = TRY(model->count_tokens(timed.request));
                 return begin(guest, *call, timed, tokens, start);
               });
}

Result<> LlmHost::complete(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto model = TRY(guest.handles.find<LlmModel>(in.resource(), "model"))->model;
  TimedCompletion timed = TRY(in.completion());
  TRY(inference::check_sampling(timed.request.sampling, model->info().vocabulary));
  const auto start = [model](inference::CompletionRequest request, inference::Caller caller) {
    return model->complete(std::move(request), std::move(caller));
  };
  if (!guest.account->limited()) return begin(guest, *call, std::move(timed), 0, start);
  return count(call, in.text_bytes(),
               [&guest, call, model, start, timed = std::move(timed)]() -> Result<> {
                 const std::uint64_t tokens = TRY(tokens_in(*model, timed.request.prompt));
                 return begin(guest, *call, timed, tokens, start);
               });
}

Result<> LlmHost::embed(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto model = TRY(guest.handles.find<LlmModel>(in.resource(), "model"))->model;
  return embed_texts(guest, call, work_, model, TRY(in.texts()), write_error);
}

Result<> LlmHost::tokenize(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto model = TRY(guest.handles.find<LlmModel>(in.resource(), "model"))->model;
  std::string text = TRY(in.text());
  const bool special = in.boolean();
  return count(call, text.size(), [call, model, special, text = std::move(text)]() -> Result<> {
    const auto tokens = TRY(model->tokenize(text, special));
    wasm::ValueWriter out;
    out.present(true).count(tokens.size());
    for (const inference::Token token : tokens) out.u32(static_cast<std::uint32_t>(token));
    call->resolve(out);
    return {};
  });
}

Result<> LlmHost::detokenize(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto model = TRY(guest.handles.find<LlmModel>(in.resource(), "model"))->model;
  const auto tokens = TRY(in.tokens());
  for (const inference::Token token : tokens) {
    if (static_cast<std::uint32_t>(token) >= model->info().vocabulary) {
      return fail(ErrorKind::invalid_argument,
                  "token " + std::to_string(static_cast<std::uint32_t>(token)) +
                      " is not in this model's vocabulary of " +
                      std::to_string(model->info().vocabulary));
    }
  }
  const std::string bytes = TRY(model->detokenize(tokens));
  wasm::ValueWriter out;
  call->resolve(out.present(true).bytes(as_bytes(bytes)));
  return {};
}

Result<> LlmHost::count_tokens(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto model = TRY(guest.handles.find<LlmModel>(in.resource(), "model"))->model;
  TimedChat timed = TRY(in.chat());
  TRY(check_chat(timed.request, model->info()));
  return count(call, in.text_bytes(), [call, model, timed = std::move(timed)]() -> Result<> {
    const std::uint32_t tokens = TRY(model->count_tokens(timed.request));
    wasm::ValueWriter out;
    call->resolve(out.present(true).u32(tokens));
    return {};
  });
}

Result<> LlmHost::read(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  TRY(guest.handles.find<LlmGeneration>(in.resource(), "generation"))->read(call);
  return {};
}

Result<> LlmHost::blocking_read(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  TRY(guest.handles.find<LlmGeneration>(in.resource(), "generation"))->blocking_read(call);
  return {};
}

Result<> LlmHost::subscribe(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  const auto generation = TRY(guest.handles.find<LlmGeneration>(in.resource(), "generation"));
  wasm::ValueWriter out;
  call->resolve(out.pollable(generation->subscribe(wasm::Waitable::create())));
  return {};
}

Result<> LlmHost::cancel(GuestInstance& guest, const Call& call) {
  LlmReader in(call->arguments());
  TRY(guest.handles.find<LlmGeneration>(in.resource(), "generation"))->cancel();
  call->resolve({});
  return {};
}

std::vector<wasm::HostInterface> LlmHost::interfaces() {
  const auto drop = [](wasm::InstanceState* state, std::uint32_t id) {
    if (auto* const guest = dynamic_cast<GuestInstance*>(state)) guest->handles.remove(id);
  };
  wasm::HostInterface inference{
      .name = "quern:llm/inference@0.1.0",
      .functions =
          {
              {"granted-models", function(&LlmHost::granted_models)},
              {"[static]model.open", function(&LlmHost::open)},
              {"[method]model.info", function(&LlmHost::info)},
              {"[method]model.chat", function(&LlmHost::chat)},
              {"[method]model.complete", function(&LlmHost::complete)},
              {"[method]model.embed", function(&LlmHost::embed)},
              {"[method]model.tokenize", function(&LlmHost::tokenize)},
              {"[method]model.detokenize", function(&LlmHost::detokenize)},
              {"[method]model.count-tokens", function(&LlmHost::count_tokens)},
              {"[method]generation.read", function(&LlmHost::read)},
              {"[method]generation.blocking-read", function(&LlmHost::blocking_read)},
              {"[method]generation.subscribe", function(&LlmHost::subscribe)},
              {"[method]generation.cancel", function(&LlmHost::cancel)},
          },
      .resources = {{.name = "model", .drop = drop}, {.name = "generation", .drop = drop}}};
  wasm::HostInterface types{.name = "quern:llm/types@0.1.0", .functions = {}, .resources = {}};
  return {std::move(types), std::move(inference)};
}

}  // namespace quern::guestapi
