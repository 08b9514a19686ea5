// `quern chat`: a conversation and the commands that act on it.
#pragma once

#include "cli/answer.hpp"
#include "cli/cli.hpp"
#include "cli/command.hpp"
#include "cli/models.hpp"

#include <string>
#include <string_view>

namespace quern::cli {

class Conversation {
 public:
  enum class Next : std::uint8_t { go_on, quit };

  // Everything must outlive *this.
  Conversation(const Chat& options, Models& models, std::shared_ptr<inference::Model> model,
               const Home& home, World& world);

  // Answers, streaming to the console. Ctrl-C ends the answer, not the conversation; what was said
  // until then stays. An error leaves the conversation as it was.
  Result<> ask(std::string text);
  // A line that begins with "/".
  Next command(std::string_view line);

 private:
  void show_stats();
  Result<> change_model(std::string_view name);
  Result<> save(std::string_view file);
  std::string as_markdown() const;
  void reset();

  const Chat& options_;
  Models& models_;
  std::shared_ptr<inference::Model> model_;
  const Home& home_;
  World& world_;
  std::string system_;
  std::vector<inference::Message> messages_;
  inference::Finished last_{};
};

// The command itself: one question, or a conversation.
Result<int> chat(const Chat& options, World& world);

}  // namespace quern::cli
