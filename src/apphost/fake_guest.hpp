// Both ends of an App for tests: a client's exchange and a guest, moved by hand.
#pragma once

#include "http/http.hpp"
#include "wasm/wasm.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quern::apphost {

// What a client sees, and what it does.
class FakeExchange final : public http::Exchange {
 public:
  explicit FakeExchange(http::RequestHead head, bool with_body = false)
      : head_(named(std::move(head))), has_body_(with_body) {}

  const http::RequestHead& request() const override { return head_; }
  bool has_body() const override { return has_body_; }
  void read_body(std::function<void(Result<Buffer>)> got) override {
    EXPECT_FALSE(got_) << "a chunk was asked for twice";
    got_ = std::move(got);
  }
  void send_head(std::uint16_t code, http::Headers fields) override {
    EXPECT_EQ(status, 0) << "two heads";
    status = code;
    headers = std::move(fields);
  }
  void send_body(Buffer chunk, std::function<void(Result<>)> sent) override {
    EXPECT_NE(status, 0) << "a body before its head";
    body += as_text(chunk);
    sent_ = std::move(sent);
  }
  void finish() override { finished = true; }
  void abort() override { aborted = true; }
  void on_gone(std::function<void()> gone) override {
    if (gone_already) return gone();
    gone_ = std::move(gone);
  }

  // The client's moves.
  bool asked_for_body() const { return static_cast<bool>(got_); }
  void send(Result<Buffer> chunk) { std::exchange(got_, nullptr)(std::move(chunk)); }
  void read_on() { std::exchange(sent_, nullptr)({}); }
  void stop_reading() {
    std::exchange(sent_, nullptr)(fail(ErrorKind::unavailable, "the client is gone"));
  }
  void leave() {
    gone_already = true;
    got_ = nullptr;  // nobody is left to read from
    if (gone_) std::exchange(gone_, nullptr)();
  }
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }

  std::uint16_t status = 0;
  http::Headers headers;
  std::string body;
  bool finished = false;
  bool aborted = false;
  bool gone_already = false;

 private:
  // As a server does it.
  static http::RequestHead named(http::RequestHead head) {
    static std::atomic<std::uint64_t> last{0};
    head.number = ++last;
    head.id = "req_" + std::to_string(head.number);
    return head;
  }

  const http::RequestHead head_;
  const bool has_body_;
  std::function<void(Result<Buffer>)> got_;
  std::function<void(Result<>)> sent_;
  std::function<void()> gone_;
};

// One request as a guest sees it.
struct FakeGuest {
  wasm::Sandbox sandbox;
  wasm::HttpRequest request;
  std::shared_ptr<wasm::HttpResponseSink> sink;  // dropped with the exchange, as the engine does
  std::string body;
  bool body_ended = false;
  bool body_aborted = false;
  bool alive = true;  // until its HttpExchange was destroyed
  std::function<void()> taken;
};

class FakeHttpExchange final : public wasm::HttpExchange {
 public:
  explicit FakeHttpExchange(std::shared_ptr<FakeGuest> guest) : guest_(std::move(guest)) {}
  ~FakeHttpExchange() override {
    guest_->alive = false;
    guest_->sandbox.state = nullptr;
  }
  void cancel(Error) override {}
  void push_body(Buffer chunk, std::function<void()> taken) override {
    EXPECT_FALSE(guest_->taken) << "a chunk before the last was taken";
    guest_->body += as_text(chunk);
    guest_->taken = std::move(taken);
  }
  void end_body() override { guest_->body_ended = true; }
  void abort_body() override { guest_->body_aborted = true; }

 private:
  const std::shared_ptr<FakeGuest> guest_;
};

class FakeProgram final : public wasm::Linked {
 public:
  std::unique_ptr<wasm::Running> run(wasm::Sandbox, std::function<void(Result<int>)>) override {
    return nullptr;
  }
  std::unique_ptr<wasm::Running> invoke(wasm::Sandbox, std::string, std::vector<std::string>,
                                        std::function<void(Result<wasm::Invoked>)>) override {
    return nullptr;
  }
  std::unique_ptr<wasm::HttpExchange> handle(
      wasm::Sandbox sandbox, wasm::HttpRequest request,
      std::shared_ptr<wasm::HttpResponseSink> sink) override {
    auto guest = std::make_shared<FakeGuest>();
    guest->sandbox = std::move(sandbox);
    guest->request = std::move(request);
    guest->sink = sink;
    {
      const std::lock_guard lock(mutex_);
      guests.push_back(guest);
    }
    if (at_once) at_once(*guest);
    return std::make_unique<FakeHttpExchange>(std::move(guest));
  }
  Result<std::unique_ptr<wasm::Resident>> reside(wasm::Sandbox) override {
    return fail(ErrorKind::unsupported, "a fake");
  }
  Result<std::unique_ptr<wasm::ResidentComponent>> reside_component(wasm::Sandbox) override {
    return fail(ErrorKind::unsupported, "a fake");
  }
  Result<std::chrono::nanoseconds> measure_start(const wasm::Sandbox&) override {
    return fail(ErrorKind::unsupported, "a fake");
  }

  std::vector<std::shared_ptr<FakeGuest>> guests;
  // What a guest does before handle() returns.
  std::function<void(FakeGuest&)> at_once;

 private:
  std::mutex mutex_;
};

}  // namespace quern::apphost
