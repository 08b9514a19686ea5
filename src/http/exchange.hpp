// The handler's end of a request: carries its calls to the connection's thread.
#pragma once

#include "http/connection.hpp"
#include "http/http.hpp"

#include <atomic>
#include <memory>

namespace quern::http {

class ConnectionExchange final : public Exchange {
 public:
  ConnectionExchange(std::shared_ptr<Connection> connection, std::uint64_t id, RequestHead head,
                     bool has_body);
  // A handler that lets go without an answer has failed: 500, or a broken connection.
  ~ConnectionExchange() override;
  ConnectionExchange(const ConnectionExchange&) = delete;
  ConnectionExchange& operator=(const ConnectionExchange&) = delete;

  const RequestHead& request() const override { return head_; }
  bool has_body() const override { return has_body_; }
  void read_body(std::function<void(Result<Buffer>)> got) override;
  void send_head(std::uint16_t status, Headers headers) override;
  void send_body(Buffer chunk, std::function<void(Result<>)> sent) override;
  void finish() override;
  void abort() override;
  void on_gone(std::function<void()> gone) override;

 private:
  const std::shared_ptr<Connection> connection_;
  const std::uint64_t id_;
  const RequestHead head_;
  const bool has_body_;
  std::atomic<bool> over_{false};  // finish() or abort() was called
};

}  // namespace quern::http
