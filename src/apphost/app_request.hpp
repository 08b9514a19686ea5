// One request on its way through a guest: http's exchange on one side, the guest's on the other.
//
// Both sides call in from their own threads, and either may end first. `over_` is set once, by
// whoever comes first (the guest ends or fails, the client goes); after that nothing is passed on.
// The guest's side is destroyed there, which ends the instance and with it its generations.
#pragma once

#include "apphost/refusal.hpp"
#include "base/byte_budget.hpp"
#include "base/guarded.hpp"
#include "http/http.hpp"
#include "wasm/wasm.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace quern::apphost {

// How a request ended, for its App's numbers.
enum class Outcome : std::uint8_t { answered, refused, failed, abandoned };

struct RequestInfo {
  std::string app;           // the App's name
  std::uint64_t number = 0;  // in the log
  std::string id;            // x-request-id
  // The client's Authorization was for us; a guest has no business with the key.
  bool hide_authorization = false;
  std::shared_ptr<ByteBudget> budget;  // its App's
  // Called once, on any thread.
  std::function<void(Outcome)> over;
};

class AppRequest final : public wasm::HttpResponseSink,
                         public std::enable_shared_from_this<AppRequest> {
 public:
  AppRequest(RequestInfo info, std::shared_ptr<http::Exchange> exchange);
  // A guest that lets go without an answer has failed.
  ~AppRequest() override;

  // Hands the request to a fresh instance, if its body fits the budget.
  void start(wasm::Linked& program, wasm::Sandbox sandbox);
  // Answers in the guest's place, where that is still possible.
  void refuse(const Refusal& refusal);
  // As HttpResponseSink says; also when there is no guest yet.
  void fail(Error error) override;

  void head(std::uint16_t status, wasm::HttpHeaders headers) override;
  void body(Buffer chunk, std::function<void()> taken) override;
  void end() override;

 private:
  // What the client has of the answer's head. `events` is one of a text/event-stream.
  enum class Head : std::uint8_t { none, sent, events };
  struct Guest {
    // Shared: pinned while a call into it runs. Null until start() has it and after the end.
    std::shared_ptr<wasm::HttpExchange> exchange;
    Head head = Head::none;
    bool over = false;
  };

  void gone();
  // Reads the next chunk of the request's body, hands it on, and again when the guest took it.
  void pump();
  void pass_on(Result<Buffer> chunk);
  std::shared_ptr<wasm::HttpExchange> guest() const;
  Head head_of_answer() const;
  bool over() const;
  // True for the first caller only. Ends the guest's side.
  bool close(Outcome outcome);
  // Instead of the guest, which had come as far as `head`.
  void answer_from(Head head, const Refusal& refusal);
  void log_failure(const Error& error) const;

  RequestInfo info_;  // its `over` until it was called, the rest for good
  const std::shared_ptr<http::Exchange> exchange_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  // Given back with *this, which the engine holds until the instance and its memory are gone.
  ByteBudget::Share body_;
  std::uint64_t body_came_ = 0;
  Guarded<Guest> guest_;
};

}  // namespace quern::apphost
