#include "outputs/http_post.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"
#include "base/unpack.hpp"

#include <algorithm>

namespace quern::outputs {
namespace {

constexpr std::chrono::seconds kLongestPause{300};
constexpr std::size_t kLongestReason = 300;

// "http://host:port": without path, query and what could be a secret in them.
std::string origin(const std::string& url) {
  const std::size_t host = url.find("://");
  return url.substr(0, std::min(url.size(), url.find_first_of("/?#", host + 3)));
}

bool has_line_end(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

bool is_success_pattern(const std::string& text) {
  return text.size() == 3 && text[0] >= '1' && text[0] <= '5' &&
         (text.substr(1) == "xx" || parse_number<unsigned>(text).ok());
}

// The secret, or an error that names the key.
Result<std::string> revealed(Settings& settings, std::string_view key,
                             const logs::StageWorld& world) {
  const auto source = TRY(settings.secret(key));
  if (!source) return std::string();
  Result<std::string> value = reveal(*source, world);
  if (!value.ok()) return settings.wrong(key, value.error().describe());
  if (has_line_end(*value)) return settings.wrong(key, "holds a line end");
  return value;
}

}  // namespace

Result<HttpPost> HttpPost::read(Settings& settings, const logs::StageWorld& world,
                                std::string_view path) {
  std::string url = TRY(revealed(settings, "url", world));
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return settings.wrong("url", "must begin with http:// or https://");
  HttpPost post(world, std::move(url));
  post.host_ = origin(post.url_);
  // Never sent; and it would stand in every message.
  if (post.host_.find('@') != std::string::npos)
    return settings.wrong("url", "has a user in it: user and password are keys of their own");
  if (post.host_ == post.url_ || post.host_ + "/" == post.url_)
    post.url_ = post.host_ + (path.empty() ? "/" : std::string(path));
  for (auto& [name, value] : TRY(settings.pairs("headers"))) {
    if (name.empty() || has_line_end(name) || has_line_end(value))
      return settings.wrong("headers", "a header holds a line end");
    post.add_header(name, value);
  }
  TRY(post.read_credentials(settings, world));
  post.gzip_ = TRY(settings.one_of("compress", {"none", "gzip"})) == "gzip";
  post.success_ = TRY(settings.texts("success"));
  if (post.success_.empty()) post.success_ = {"2xx"};
  for (const std::string& pattern : post.success_) {
    if (!is_success_pattern(pattern))
      return settings.wrong("success", R"(must be statuses as in ["2xx", "409"])");
  }
  return post;
}

Result<> HttpPost::read_credentials(Settings& settings, const logs::StageWorld& world) {
  const std::string token = TRY(revealed(settings, "bearer_token", world));
  const std::string user = TRY(settings.text_or("user", ""));
  const std::string password = TRY(revealed(settings, "password", world));
  if (!token.empty() && !user.empty())
    return settings.wrong("user", "cannot stand beside bearer_token");
  if (!token.empty()) add_header("Authorization", "Bearer " + token);
  if (!user.empty())
    add_header("Authorization", "Basic " + to_base64(as_bytes(user + ":" + password)));
  return {};
}

bool HttpPost::is_success(std::uint16_t status) const {
  const std::string text = std::to_string(status);
  return std::any_of(success_.begin(), success_.end(), [&](const std::string& pattern) {
    return pattern == text || (pattern.ends_with("xx") && pattern.front() == text.front());
  });
}

Failure HttpPost::unavailable(const Error& error) const {
  if (error.kind() == ErrorKind::cancelled) return fail(error);
  // The outermost says which URL was asked.
  std::string why = error.cause() != nullptr ? error.cause()->describe() : error.message();
  if (why.find(url_) != std::string::npos) why = "no answer";
  return fail(ErrorKind::unavailable, host_ + ": " + why);
}

void HttpPost::take_pause(std::string_view retry_after) {
  const auto seconds = parse_number<std::uint32_t>(trim(retry_after));
  if (!seconds.ok()) return;
  not_before_ = clock_->now() + std::min(std::chrono::seconds(*seconds), kLongestPause);
}

Result<HttpPost::Answer> HttpPost::post(std::string_view content_type, std::string_view body,
                                        const std::stop_token& stop) {
  if (const auto now = clock_->now(); now < not_before_) {
    TRY(clock_->sleep(std::chrono::ceil<std::chrono::milliseconds>(not_before_ - now), stop));
  }
  Buffer bytes = gzip_ ? pack(as_bytes(body)) : to_buffer(body);
  SendRequest request{.method = "POST", .url = url_, .headers = headers_};
  request.headers.emplace_back("Content-Type", content_type);
  if (gzip_) request.headers.emplace_back("Content-Encoding", "gzip");
  request.body_bytes = bytes.size();
  request.body = [&]() -> Result<Buffer> { return std::move(bytes); };
  Result<SendAnswer> answer = network_->send(request, stop);
  if (!answer.ok()) return unavailable(answer.error());
  const std::uint16_t status = answer->status;
  if (is_success(status))
    return Answer{.taken = true, .status = status, .body = std::move(answer->body)};
  if (status == 408 || status == 429 || status >= 500) {
    take_pause(answer->retry_after);
    return fail(ErrorKind::unavailable, host_ + " answered " + std::to_string(status));
  }
  return Answer{.status = status, .body = std::move(answer->body)};
}

Result<logs::Batch> HttpPost::deliver(const logs::Batch& batch, std::string_view content_type,
                                      const BodyOf& body_of, const std::stop_token& stop) {
  const std::vector<logs::Entry> entries(batch.begin(), batch.end());
  logs::Batch dead;
  TRY(deliver_part(entries, content_type, body_of, stop, dead));
  return dead;
}

Result<> HttpPost::deliver_part(std::span<const logs::Entry> entries, std::string_view content_type,
                                const BodyOf& body_of, const std::stop_token& stop,
                                logs::Batch& dead) {
  logs::Batch unfit;
  const std::string body = body_of(entries, unfit);
  if (!body.empty()) {
    const Answer answer = TRY(post(content_type, body, stop));
    if (answer.taken && taken_) taken_(answer.body, entries.size() - unfit.size());
    constexpr std::uint16_t kTooLarge = 413;
    if (answer.status == kTooLarge && !answer.taken && entries.size() > 1) {
      const std::size_t half = entries.size() / 2;
      TRY(deliver_part(entries.first(half), content_type, body_of, stop, dead));
      return deliver_part(entries.subspan(half), content_type, body_of, stop, dead);
    }
    if (!answer.taken) {
      for (const logs::Entry& entry : entries) mark_dead(dead, entry, name_, refusal(answer));
      return {};
    }
  }
  dead.append(std::move(unfit));
  return {};
}

std::string refusal(const HttpPost::Answer& answer) {
  std::string text = "the peer answered " + std::to_string(answer.status);
  if (!answer.body.empty()) text += ": " + printable(trim(answer.body), kLongestReason);
  return text;
}

}  // namespace quern::outputs
