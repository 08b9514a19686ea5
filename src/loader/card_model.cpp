#include "loader/card_model.hpp"

#include <utility>

namespace quern::loader {
namespace {

using inference::ChatRequest;
using inference::Role;

// Where the conversation begins with a system message already, the card's text goes to that
// message's front: templates know one system message, not two.
void begin_with(const std::string& system, ChatRequest& request) {
  if (system.empty()) return;
  auto& messages = request.messages;
  const bool has_own = !messages.empty() && (messages.front().role == Role::system ||
                                             messages.front().role == Role::developer);
  if (has_own) {
    messages.front().text.insert(0, system + "\n\n");
  } else {
    messages.insert(messages.begin(), {.role = Role::system, .text = system});
  }
}

class CardModel final : public inference::Model {
 public:
  CardModel(std::shared_ptr<inference::Model> weights, const package::ModelCard& card)
      : weights_(std::move(weights)), system_(card.system), info_(weights_->info()) {
    info_.name = card.name;
  }

  const inference::ModelInfo& info() const override { return info_; }
  Result<std::unique_ptr<inference::Generation>> chat(ChatRequest request,
                                                      inference::Caller caller) override {
    begin_with(system_, request);
    return weights_->chat(std::move(request), std::move(caller));
  }
  Result<std::unique_ptr<inference::Generation>> complete(inference::CompletionRequest request,
                                                          inference::Caller caller) override {
    return weights_->complete(std::move(request), std::move(caller));
  }
  std::unique_ptr<inference::Embedding> embed(
      std::vector<std::string> texts, inference::Caller caller,
      std::function<void(Result<inference::Embeddings>)> done) override {
    return weights_->embed(std::move(texts), std::move(caller), std::move(done));
  }
  Result<std::vector<inference::Token>> tokenize(std::string_view text,
                                                 bool special) const override {
    return weights_->tokenize(text, special);
  }
  Result<std::string> detokenize(const std::vector<inference::Token>& tokens) const override {
    return weights_->detokenize(tokens);
  }
  Result<std::uint32_t> count_tokens(const ChatRequest& request) const override {
    ChatRequest whole = request;
    begin_with(system_, whole);
    return weights_->count_tokens(whole);
  }
  inference::ModelLoad load() const override { return weights_->load(); }

 private:
  const std::shared_ptr<inference::Model> weights_;
  const std::string system_;
  inference::ModelInfo info_;
};

}  // namespace

std::shared_ptr<inference::Model> with_card(std::shared_ptr<inference::Model> weights,
                                            const package::ModelCard& card) {
  return std::make_shared<CardModel>(std::move(weights), card);
}

}  // namespace quern::loader
