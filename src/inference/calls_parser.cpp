#include "inference/plain_tools.hpp"
#include "inference/tool_call_ids.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <utility>

namespace quern::inference {
namespace {

using Json = nlohmann::ordered_json;

// Reads text from a place on; a method that finds something else than it wants leaves the place
// undefined and says false.
class Scan {
 public:
  Scan(std::string_view text, std::size_t at) : text_(text), at_(at) {}
  std::size_t at() const { return at_; }
  bool blanks() {
    while (at_ < text_.size() &&
           std::string_view(" \n\t\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
    return true;
  }
  bool sees(char c) { return blanks() && at_ < text_.size() && text_[at_] == c; }
  bool takes(char c) { return sees(c) && ++at_ > 0; }
  // A whole string, as JSON writes it.
  std::optional<std::string> string() {
    if (!sees('"')) return std::nullopt;
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return std::nullopt;
    const Json read = Json::parse(text_.substr(begin, ++at_ - begin), nullptr, false);
    return read.is_string() ? std::optional(read.get<std::string>()) : std::nullopt;
  }
  bool takes(std::string_view key) { return string() == key && takes(':'); }

 private:
  const std::string_view text_;
  std::size_t at_;
};

// Where an object ends, over any number of pieces.
class ObjectEnd {
 public:
  // How many of these characters belong to the object, the last bracket included.
  std::size_t take(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (step(text[i])) return i + 1;
    }
    return text.size();
  }
  bool reached() const { return reached_; }

 private:
  bool step(char c) {
    if (in_string_) {
      if (c == '"' && !escaped_) in_string_ = false;
      escaped_ = c == '\\' && !escaped_;
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      reached_ = --depth_ <= 0;
    }
    return reached_;
  }

  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool reached_ = false;
};

class CallsParser final : public AnswerParser {
 public:
  std::vector<Event> add(std::string_view text) override {
    held_ += text;
    std::vector<Event> events;
    if (!may_be_call()) {
      flush(events);
    } else {
      while (arguments_ ? read_arguments(events) : read_call(events)) {
      }
    }
    return events;
  }

  // What was written in another order than is asked for (arguments first, or none) is read here.
  std::vector<Event> end(End /*end*/) override {
    std::vector<Event> events;
    const Json answer = Json::parse(held_, nullptr, false);
    const bool whole =
        answer.is_object() && answer.contains("tool_calls") && answer.at("tool_calls").is_array();
    if (!whole && calls_ == 0) flush(events);
    if (!whole) return events;
    std::uint32_t seen = 0;
    for (const Json& call : answer.at("tool_calls")) {
      if (!call.is_object() || !call.contains("name") || !call.at("name").is_string()) continue;
      if (seen++ < calls_) continue;
      begin_call(call.at("name").get<std::string>(), events);
      const Json arguments = call.value("arguments", Json::object());
      events.emplace_back(ToolCallDelta{
          .index = calls_ - 1,
          .id = std::nullopt,
          .name = std::nullopt,
          .arguments = arguments.dump(-1, ' ', false, Json::error_handler_t::replace)});
    }
    return events;
  }

  bool calls_tools() const override { return calls_ > 0; }

 private:
  // Does what is held begin as a call does, white space aside?
  bool may_be_call() const {
    if (told_) return false;
    constexpr std::string_view kBegin = "{\"tool_calls\"";
    std::size_t matched = 0;
    for (const char c : held_) {
      if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
      if (matched == kBegin.size()) break;
      if (c != kBegin[matched++]) return false;
    }
    return true;
  }

  // {"name": NAME, "arguments": as far as the first bracket of them; true when it is all there.
  bool read_call(std::vector<Event>& events) {
    Scan scan(held_, at_);
    const bool opened = calls_ == 0 ? scan.takes('{') && scan.takes("tool_calls") && scan.takes('[')
                                    : scan.takes('}') && scan.takes(',');
    if (!opened || !scan.takes('{') || !scan.takes("name")) return false;
    std::optional<std::string> name = scan.string();
    if (!name || !scan.takes(',') || !scan.takes("arguments") || !scan.sees('{')) return false;
    at_ = scan.at();
    begin_call(*std::move(name), events);
    arguments_.emplace();
    return true;
  }

  bool read_arguments(std::vector<Event>& events) {
    const std::size_t taken = arguments_->take(std::string_view(held_).substr(at_));
    if (taken > 0) {
      events.emplace_back(ToolCallDelta{.index = calls_ - 1,
                                        .id = std::nullopt,
                                        .name = std::nullopt,
                                        .arguments = held_.substr(at_, taken)});
    }
    at_ += taken;
    if (!arguments_->reached()) return false;
    arguments_.reset();
    return true;
  }

  void begin_call(std::string name, std::vector<Event>& events) {
    events.emplace_back(ToolCallDelta{
        .index = calls_++, .id = make_tool_call_id(), .name = std::move(name), .arguments = ""});
  }

  void flush(std::vector<Event>& events) {
    told_ = told_ || !held_.empty();
    if (!held_.empty()) events.emplace_back(Content{std::exchange(held_, {})});
  }

  std::string held_;    // all of it, until it is known to be no call
  std::size_t at_ = 0;  // what lies before has gone out as calls
  bool told_ = false;
  std::uint32_t calls_ = 0;
  std::optional<ObjectEnd> arguments_;  // of the last call, while they come
};

}  // namespace

std::unique_ptr<AnswerParser> make_calls_parser() { return std::make_unique<CallsParser>(); }

}  // namespace quern::inference
