// What outputs that speak HTTP share: where to, who is asking, and what a status means.
#pragma once

#include "base/result.hpp"
#include "base/settings.hpp"

#include "logs/stage.hpp"

#include <chrono>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace quern::outputs {

// Every failure to reach the peer is `unavailable`, and no message of one names the URL, in which a
// secret may stand. Of one thread.
class HttpPost {
 public:
  // url (a secret may stand there), headers, bearer_token, user, password, compress, success.
  // `path` is added to a URL that has none.
  static Result<HttpPost> read(Settings& settings, const logs::StageWorld& world,
                               std::string_view path = "");

  struct Answer {
    bool taken = false;  // else it was refused for good
    std::uint16_t status = 0;
    std::string body;
  };
  // unavailable: come again later (429, 408, 5xx, nobody there); cancelled. Waits first, at most
  // five minutes, where the peer said so in its last answer.
  Result<Answer> post(std::string_view content_type, std::string_view body,
                      const std::stop_token& stop);

  // Makes a body of entries; those that cannot be in it go to `dead`. Empty: nothing is sent.
  using BodyOf =
      std::function<std::string(std::span<const logs::Entry> entries, logs::Batch& dead)>;
  // The batch in one request, in halves where the peer says that it is too large (413). What it
  // refuses is in the answer.
  Result<logs::Batch> deliver(const logs::Batch& batch, std::string_view content_type,
                              const BodyOf& body_of, const std::stop_token& stop);

  // Called with what a peer says to what it takes, and how many entries that were.
  using Taken = std::function<void(std::string_view answer, std::size_t entries)>;
  void watch(Taken taken) { taken_ = std::move(taken); }
  void add_header(std::string name, std::string value) {
    headers_.emplace_back(std::move(name), std::move(value));
  }
  const std::string& stage() const { return name_; }

 private:
  HttpPost(const logs::StageWorld& world, std::string url)
      : network_(&world.network), clock_(&world.clock), name_(world.name), url_(std::move(url)) {}
  Result<> read_credentials(Settings& settings, const logs::StageWorld& world);
  Result<> deliver_part(std::span<const logs::Entry> entries, std::string_view content_type,
                        const BodyOf& body_of, const std::stop_token& stop, logs::Batch& dead);
  bool is_success(std::uint16_t status) const;
  Failure unavailable(const Error& error) const;
  void take_pause(std::string_view retry_after);

  Network* network_;
  Clock* clock_;
  std::string name_;
  std::string url_;
  std::string host_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::vector<std::string> success_;  // "2xx" or "204"
  bool gzip_ = false;
  Clock::Time not_before_{};
  Taken taken_;
};

// What a peer says about a refusal, as it may stand in a reason.
std::string refusal(const HttpPost::Answer& answer);

}  // namespace quern::outputs
