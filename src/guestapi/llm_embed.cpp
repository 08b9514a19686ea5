#include "guestapi/llm_embed.hpp"

#include "guestapi/llm_handles.hpp"
#include "guestapi/llm_write.hpp"
#include "guestapi/token_count.hpp"

#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::size_t kMostEmbedded = 2048;

Result<std::uint64_t> tokens_in_all(const inference::Model& model,
                                    const std::vector<std::string>& texts) {
  std::uint64_t sum = 0;
  for (const std::string& text : texts) sum += TRY(tokens_in(model, text));
  return sum;
}

Result<> begin(GuestInstance& guest, const std::shared_ptr<wasm::HostCall>& call,
               inference::Model& model, std::vector<std::string> texts, std::uint64_t reserved,
               WriteError write_error) {
  const auto embedding = std::make_shared<LlmEmbedding>(call, guest.account, reserved);
  const auto id = guest.handles.add(embedding);
  if (!id.ok()) {
    guest.account->settle(reserved, {});
    return fail(id.error());
  }
  const auto answer = [id = *id, write_error](wasm::HostCall& waiting,
                                              const Result<inference::Embeddings>& done) {
    auto& holder = dynamic_cast<GuestInstance&>(*waiting.state());
    holder.handles.remove(id);
    if (!done.ok()) return refuse(waiting, done.error(), write_error);
    wasm::ValueWriter out;
    out.present(true);
    write_embeddings(out, *done);
    waiting.resolve(out);
  };
  embedding->begin(model, std::move(texts), guest.caller(), answer);
  return {};
}

}  // namespace

Result<> embed_texts(GuestInstance& guest, const std::shared_ptr<wasm::HostCall>& call,
                     ModelWork& work, const std::shared_ptr<inference::Model>& model,
                     std::vector<std::string> texts, WriteError write_error) {
  if (texts.empty()) return fail(ErrorKind::invalid_argument, "there is no text to embed");
  if (texts.size() > kMostEmbedded) {
    return fail(ErrorKind::invalid_argument, "at most 2048 texts may be embedded in one call");
  }
  if (!guest.account->limited()) {
    return begin(guest, call, *model, std::move(texts), 0, write_error);
  }
  std::uint64_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  const auto counted = [&guest, call, model, texts = std::move(texts), write_error]() -> Result<> {
    const Account::Grant grant = guest.account->reserve(TRY(tokens_in_all(*model, texts)), 0);
    if (!grant.refusal) return begin(guest, call, *model, texts, grant.reserved, write_error);
    refuse(*call, *grant.refusal, write_error);
    return {};
  };
  return work.count(bytes, [call, counted, write_error] {
    const Result<> done = counted();
    if (!done.ok()) refuse(*call, done.error(), write_error);
  });
}

}  // namespace quern::guestapi
