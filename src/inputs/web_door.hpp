// Where inputs take what is sent by HTTP: bodies are gathered under their bounds, handed to workers
// through a bounded queue, taken, synced, and only then answered. A worker syncs once for all that
// waited.
#pragma once

#include "base/byte_budget.hpp"
#include "base/queue.hpp"
#include "http/http.hpp"

#include "inputs/listening.hpp"
#include "logs/stage.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace quern::inputs {

struct WebOptions {
  Listening listening;
  Bytes max_body = 16_MiB;          // as sent: 413 beyond
  Bytes max_unpacked = 32_MiB;      // of a packed body: 413 beyond
  Bytes max_held = 256_MiB;         // bodies, and what is made of them, together: 429 beyond
  std::uint32_t max_waiting = 256;  // requests: 429 beyond
  std::uint32_t workers = 2;
  std::optional<std::string> token;  // what "Authorization: Bearer" must say: 401 otherwise
};

// The keys of WebOptions, under their names.
Result<WebOptions> read_web_options(Settings& settings, const logs::StageWorld& world,
                                    std::uint16_t port);

struct WebRequest {
  http::RequestHead head;
  Buffer body;  // unpacked
};

// What a record in a batch costs beside its bytes.
inline constexpr std::uint64_t kAroundRecord = 32;

// What is held of an input's bound for what is made of one request, beside its body.
class WebRoom {
 public:
  WebRoom(ByteBudget::Share& share, std::uint64_t body) : share_(share), body_(body) {}
  // So much more from now on. unavailable: others hold it just now; resource_exhausted: the bound
  // is too small even for this request alone.
  Result<> take(std::uint64_t bytes);

 private:
  ByteBudget::Share& share_;
  const std::uint64_t body_;
  std::uint64_t taken_ = 0;
};

struct WebAnswer {
  std::uint16_t status = 200;
  std::string content_type;
  std::string body;
};

// What an input makes of requests. Of the server's and the workers' threads at once.
class WebTaker {
 public:
  using Give = std::function<Result<>(logs::Batch)>;

  virtual ~WebTaker() = default;
  // Before the body is read. 0: it may come; else the status of a refusal.
  virtual std::uint16_t status_of(const http::RequestHead& head) const = 0;
  // Gives the records, and says what the sender hears once they are on the disk. An error of
  // `give` is handed on; of its own, corrupt_data and invalid_argument are a 400,
  // resource_exhausted a 413, unsupported a 415, unavailable a 429. What it makes of the body it
  // takes of `room` before: as much as the body where it is not known how much that will be.
  virtual Result<WebAnswer> take(const WebRequest& request, WebRoom& room,
                                 const Give& give) const = 0;
  virtual WebAnswer refusal(const http::RequestHead& head, std::uint16_t status,
                            std::string_view why) const = 0;
};

struct WebCounts {
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};  // with 4xx
  std::atomic<std::uint64_t> failed{0};   // with 5xx: the sender should come again
};

class WebDoor final : public http::Handler {
 public:
  // All arguments but the options outlive it.
  WebDoor(const WebOptions& options, const WebTaker& taker, logs::Sink& sink, WebCounts& counts);
  WebDoor(const WebDoor&) = delete;
  WebDoor& operator=(const WebDoor&) = delete;
  ~WebDoor() override;

  // Listens until it is stopped. `port` is called with the port once it does.
  Result<> run(const std::stop_token& stop, const std::function<void(std::uint16_t)>& port);
  void handle(std::shared_ptr<http::Exchange> exchange) override;

 private:
  struct Job;
  void gather(const std::shared_ptr<Job>& job);
  void work(const std::stop_token& stop);
  WebAnswer take(Job& job, const std::stop_token& stop);
  void answer(const Job& job, const WebAnswer& answer);
  void refuse(const Job& job, std::uint16_t status, std::string_view why);

  const WebOptions& options_;
  const WebTaker& taker_;
  logs::Sink& sink_;
  WebCounts& counts_;
  const std::shared_ptr<ByteBudget> budget_;
  Queue<std::shared_ptr<Job>> waiting_;
};

// An input around a door.
class WebInput final : public logs::Input {
 public:
  WebInput(WebOptions options, std::unique_ptr<WebTaker> taker, std::string prefix)
      : options_(std::move(options)), taker_(std::move(taker)), prefix_(std::move(prefix)) {}

  Result<> run(logs::Sink& sink, std::stop_token stop) override;
  std::vector<logs::Figure> figures() const override;

 private:
  const WebOptions options_;
  const std::unique_ptr<WebTaker> taker_;
  const std::string prefix_;
  WebCounts counts_;
  std::atomic<std::uint16_t> port_{0};
};

// What a body of `type` "application/json; charset=utf-8" is, in lower case: "application/json".
std::string media_type(const http::RequestHead& head);

}  // namespace quern::inputs
