// A guest for tests: calls quern:llm functions as the bridge would, without any wasm.
#pragma once

#include "guestapi/guestapi.hpp"
#include "guestapi/llm_error.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace quern::guestapi {

// What became of a call.
struct Answer {
  enum class Kind { resolved, trapped, dropped } kind = Kind::dropped;
  Buffer results;
  std::string trap;
  std::string printed;

  wasm::ValueReader reader() const { return wasm::ValueReader(results); }
};

// Where a call's answer arrives.
class Inbox {
 public:
  void put(Answer answer) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(answer_) << "a call was answered twice";
    answer_ = std::move(answer);
    changed_.notify_all();
  }
  bool answered() const {
    const std::lock_guard lock(mutex_);
    return answer_.has_value();
  }
  // Fails the test when there is none within five seconds.
  Answer wait() {
    std::unique_lock lock(mutex_);
    const bool came =
        changed_.wait_for(lock, std::chrono::seconds(5), [&] { return answer_.has_value(); });
    EXPECT_TRUE(came) << "the call was not answered";
    return answer_.value_or(Answer{});
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Answer> answer_;
};

class FakeCall final : public wasm::HostCall {
 public:
  FakeCall(Buffer arguments, std::shared_ptr<wasm::InstanceState> state,
           std::shared_ptr<Inbox> inbox)
      : arguments_(std::move(arguments)), state_(std::move(state)), inbox_(std::move(inbox)) {}
  ~FakeCall() override {
    if (!inbox_->answered()) inbox_->put({});
  }
  wasm::ValueReader arguments() const override { return wasm::ValueReader(arguments_); }
  const std::shared_ptr<wasm::InstanceState>& state() const override { return state_; }
  void print(wasm::Stream stream, std::string_view text) override {
    printed_.append(stream == wasm::Stream::out ? "out: " : "err: ").append(text);
  }
  void resolve(const wasm::ValueWriter& results) override {
    inbox_->put({.kind = Answer::Kind::resolved,
                 .results = results.encoded(),
                 .trap = {},
                 .printed = printed_});
  }
  void trap(std::string message) override {
    inbox_->put({.kind = Answer::Kind::trapped, .results = {}, .trap = std::move(message)});
  }

 private:
  const Buffer arguments_;
  const std::shared_ptr<wasm::InstanceState> state_;
  const std::shared_ptr<Inbox> inbox_;
  std::string printed_;
};

// Makes calls with arguments, on behalf of one instance.
class TestGuest {
 public:
  TestGuest(const GuestApi& api, const Grants& grants, Guest guest = {.tenant = "t", .meter = {}})
      : api_(api), state_(api.sandbox(grants, std::move(guest)).value().state) {}
  ~TestGuest() { end(); }

  // The call goes on; its answer will be in the inbox.
  std::shared_ptr<Inbox> start(std::string_view function,
                               const wasm::ValueWriter& arguments) const {
    auto inbox = std::make_shared<Inbox>();
    find(function)(std::make_unique<FakeCall>(arguments.encoded(), state_, inbox));
    return inbox;
  }
  Answer call(std::string_view function, const wasm::ValueWriter& arguments) const {
    return start(function, arguments)->wait();
  }
  // The handle in a result<own<...>, error>.
  std::uint32_t handle(std::string_view function, const wasm::ValueWriter& arguments) const {
    const Answer answer = call(function, arguments);
    EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
    auto in = answer.reader();
    if (in.present()) return in.resource();
    ADD_FAILURE() << function << " failed with case " << in.discriminant();
    return 0;
  }
  std::uint32_t open(std::string_view model) const {
    wasm::ValueWriter out;
    return handle("[static]model.open", out.text(model));
  }
  void drop(std::string_view resource, std::uint32_t rep) const {
    for (const auto& interface : api_.imports().interfaces) {
      for (const auto& each : interface.resources) {
        if (each.name == resource) return each.drop(state_.get(), rep);
      }
    }
    FAIL() << "no resource " << resource;
  }
  // As the engine does when the instance is dropped.
  void end() {
    if (state_) state_->ended();
    state_ = nullptr;
  }
  std::weak_ptr<wasm::InstanceState> state() const { return state_; }

 private:
  // "infer", or "fermyon:spin/llm@2.0.0#infer" where other interfaces have a function of that name.
  const wasm::HostFunction& find(std::string_view function) const {
    const std::size_t hash = function.find('#');
    const std::string_view wanted = hash == function.npos ? "" : function.substr(0, hash);
    if (hash != function.npos) function.remove_prefix(hash + 1);
    for (const auto& interface : api_.imports().interfaces) {
      if (!wanted.empty() && interface.name != wanted) continue;
      for (const auto& [name, host] : interface.functions) {
        if (name == function) return host;
      }
    }
    ADD_FAILURE() << "no function " << function;
    static const wasm::HostFunction none;
    return none;
  }

  const GuestApi& api_;
  std::shared_ptr<wasm::InstanceState> state_;
};

// The error of a result<_, error>; anything else fails the test.
inline LlmError error_of(const Answer& answer) {
  EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
  LlmError error;
  if (answer.kind != Answer::Kind::resolved) return error;
  auto in = answer.reader();
  EXPECT_FALSE(in.present()) << "a success";
  using Case = LlmError::Case;
  error.which = static_cast<Case>(in.discriminant());
  switch (error.which) {
    case Case::context_full: error.context = {in.u32(), in.u32()}; break;
    case Case::overloaded: error.retry_ms = in.u32(); break;
    case Case::deadline_exceeded:
    case Case::cancelled: break;
    default: error.text = in.text();
  }
  return error;
}

// ---- arguments in the order of the contract -------------------------------------------------

inline void put_sampling(wasm::ValueWriter& out, const inference::Sampling& s,
                         std::optional<std::uint32_t> timeout_ms = {}) {
  const auto u32 = [&](const std::optional<std::uint32_t>& v) {
    out.present(v.has_value());
    if (v) out.u32(*v);
  };
  const auto f32 = [&](const std::optional<float>& v) {
    out.present(v.has_value());
    if (v) out.f32(*v);
  };
  u32(s.max_tokens);
  f32(s.temperature);
  u32(s.top_k);
  f32(s.top_p);
  f32(s.min_p);
  f32(s.repeat_penalty);
  u32(s.repeat_last_n);
  f32(s.presence_penalty);
  f32(s.frequency_penalty);
  u32(s.seed);
  out.count(s.logit_bias.size());
  for (const auto& [token, bias] : s.logit_bias) out.u32(token).f32(bias);
  out.count(s.stop.size());
  for (const std::string& stop : s.stop) out.text(stop);
  u32(s.logprobs);
  u32(timeout_ms);
}

struct ChatArguments {
  std::vector<std::string> user_texts = {"hello"};
  inference::Sampling sampling = {};
  std::optional<std::uint32_t> timeout_ms = {};
};

// [method]model.chat and count-tokens.
inline wasm::ValueWriter chat_arguments(std::uint32_t model, const ChatArguments& chat = {}) {
  wasm::ValueWriter out;
  out.resource(model).count(chat.user_texts.size());
  for (const std::string& text : chat.user_texts) {
    out.discriminant(2).count(1).discriminant(0).text(text);    // user, one text part
    out.present(false).present(false).count(0).present(false);  // name, reasoning, calls, call id
  }
  put_sampling(out, chat.sampling, chat.timeout_ms);
  out.discriminant(0).count(0).discriminant(0);  // format text, no tools, choice auto
  out.boolean(true).present(false);              // parallel calls, enable-thinking
  return out;
}

inline wasm::ValueWriter completion_arguments(std::uint32_t model, std::string_view prompt,
                                              const inference::Sampling& sampling = {}) {
  wasm::ValueWriter out;
  out.resource(model).text(prompt);
  put_sampling(out, sampling);
  out.discriminant(0);
  return out;
}

inline wasm::ValueWriter handle_argument(std::uint32_t handle) {
  wasm::ValueWriter out;
  out.resource(handle);
  return out;
}

}  // namespace quern::guestapi
