// Alerts for people, in Slack's form (https://api.slack.com/messaging/webhooks), which other chats
// take, too. A few lines a message and a few messages a while: who is flooded reads nothing.
#include "logs/msgpack.hpp"
#include "outputs/http_post.hpp"
#include "outputs/makers.hpp"
#include "outputs/template.hpp"

#include <algorithm>
#include <atomic>
#include <deque>

namespace quern::outputs {
namespace {

using logs::Batch;
using logs::Entry;

struct WebhookOptions {
  Template text;
  std::size_t max_lines = 0;
  std::size_t max_line = 0;  // bytes
  std::size_t limit = 0;     // messages in a window
  std::chrono::milliseconds window{0};
};

// What a record says calls nobody ("<!channel>"), links nowhere and breaks no line.
void plain_words(std::string_view value, std::string& out) {
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
    }
  }
}

class WebhookOutput final : public logs::Output {
 public:
  WebhookOutput(HttpPost post, Clock& clock, WebhookOptions options)
      : post_(std::move(post)), clock_(clock), options_(std::move(options)) {}

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    if (batch.empty()) return Batch();
    const Clock::Time now = clock_.now();
    while (!sent_.empty() && now - sent_.front() >= options_.window) sent_.pop_front();
    if (sent_.size() >= options_.limit) {
      held_back_ += batch.size();
      untold_ += batch.size();
      return Batch();
    }
    const std::uint64_t more = batch.size() - std::min(batch.size(), options_.max_lines);
    Result<Batch> dead = post_.deliver(
        batch, "application/json",
        [&](std::span<const Entry> entries, Batch&) { return body(entries); }, stop);
    if (!dead.ok()) return dead;
    sent_.push_back(now);
    held_back_ += more;
    untold_ = 0;
    return dead;
  }

  std::vector<logs::Figure> figures() const override {
    return {{.name = "output_webhook_held_back_total",
             .value = static_cast<double>(held_back_.load())}};
  }

 private:
  std::string body(std::span<const Entry> entries) const {
    std::string text;
    for (std::size_t at = 0; at < entries.size() && at < options_.max_lines; ++at) {
      std::string line;
      options_.text.render(entries[at], plain_words, line);
      if (line.size() > options_.max_line) {
        // Not within "&lt;" or a character.
        std::size_t end = options_.max_line;
        while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0U) == 0x80) --end;
        const std::size_t entity = line.rfind('&', end == 0 ? 0 : end - 1);
        if (entity != std::string::npos && line.find(';', entity) >= end && end - entity < 6)
          end = entity;
        line.resize(end);
        line += "...";
      }
      text += (text.empty() ? "" : "\n") + line;
    }
    const std::size_t shown = std::min(entries.size(), options_.max_lines);
    if (const std::uint64_t more = entries.size() - shown + untold_; more > 0)
      text += "\n(and " + std::to_string(more) + " more)";
    std::string json = "{\"text\":";
    logs::msgpack::json_text(text, json);
    return json + "}";
  }

  HttpPost post_;
  Clock& clock_;
  const WebhookOptions options_;
  std::deque<Clock::Time> sent_;
  std::atomic<std::uint64_t> held_back_{0};  // records that no message showed
  std::uint64_t untold_ = 0;                 // of them, since the last message
};

}  // namespace

Made make_webhook(Settings& settings, const logs::StageWorld& world) {
  HttpPost post = TRY(HttpPost::read(settings, world));
  auto text = Template::parse(TRY(settings.text_or("template", "*{@tag}* {@line}")));
  if (!text.ok()) return settings.wrong("template", text.error().message());
  WebhookOptions options{.text = *std::move(text),
                         .max_lines = TRY(settings.number_or("max_lines", 20, {1, 1000})),
                         .max_line = TRY(settings.bytes_or("max_line", Bytes{500})).count,
                         .limit = TRY(settings.number_or("limit", 30, {1, 100'000})),
                         .window = TRY(settings.duration_or("window", std::chrono::minutes(10)))};
  return std::unique_ptr<logs::Output>(
      std::make_unique<WebhookOutput>(std::move(post), world.clock, std::move(options)));
}

}  // namespace quern::outputs
