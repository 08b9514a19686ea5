#include "base/fakes.hpp"

#include "base/stop.hpp"

#include <algorithm>

namespace quern {

// ---- clock ---------------------------------------------------------------------------------

Clock::Time ManualClock::now() const {
  // A day after the epoch, so that tests may look back.
  return Time(std::chrono::hours(24)) + state_.lock()->passed;
}

std::chrono::system_clock::time_point ManualClock::date() const {
  constexpr std::int64_t kStart = 1'700'000'000;
  return std::chrono::system_clock::from_time_t(kStart) + state_.lock()->passed;
}

Result<> ManualClock::sleep(std::chrono::milliseconds time, std::stop_token stop) {
  auto state = state_.lock();
  const auto until = state->passed + time;
  ++state->sleepers;
  const Result<> waited = wait_until(changed_, state.mutex_lock(), Deadline::never(), stop,
                                     [&] { return state->passed >= until; });
  --state->sleepers;
  return waited;
}

void ManualClock::advance(std::chrono::milliseconds time) {
  state_.lock()->passed += time;
  changed_.notify_all();
}

int ManualClock::sleepers() const { return state_.lock()->sleepers; }

// ---- network -------------------------------------------------------------------------------

void FakeNetwork::set(std::string url, Page page) {
  state_.lock()->pages.insert_or_assign(std::move(url), std::move(page));
}

std::vector<FetchRequest> FakeNetwork::requests() const { return state_.lock()->requests; }

Result<> FakeNetwork::fetch(const FetchRequest& request, std::stop_token stop,
                            std::function<Result<>(const FetchHead&)> head,
                            std::function<Result<>(ByteView)> chunk) {
  Page page;
  {
    auto state = state_.lock();
    state->requests.push_back(request);
    const auto found = state->pages.find(request.url);
    if (found == state->pages.end()) return fail(ErrorKind::not_found, "404: " + request.url);
    page = found->second;
    found->second.breaks_after.reset();
  }
  if (page.error) return fail(*page.error);
  if (page.honours_ranges && request.offset > page.body.size()) {
    return fail(ErrorKind::invalid_argument, "416: " + request.url);
  }
  const std::size_t start = page.honours_ranges ? request.offset : 0;
  TRY(head({.status = static_cast<std::uint16_t>(start > 0 ? 206 : 200),
            .total = page.body.size(),
            .offset = start,
            .url = page.redirected_to.empty() ? request.url : page.redirected_to,
            .content_type = page.content_type}));
  constexpr std::size_t kChunk = 1000;
  const std::size_t end = std::min(page.body.size(), page.breaks_after.value_or(page.body.size()));
  for (std::size_t at = start; at < end; at += kChunk) {
    if (stop.stop_requested()) return fail(ErrorKind::cancelled, "fetch cancelled");
    TRY(chunk(as_bytes(std::string_view(page.body).substr(at, std::min(kChunk, end - at)))));
  }
  if (page.breaks_after) return fail(ErrorKind::unavailable, "connection broken: " + request.url);
  return {};
}

void FakeNetwork::answer_sent(Answer answer) { state_.lock()->answer = std::move(answer); }

Result<SendAnswer> FakeNetwork::send(const SendRequest& request, std::stop_token stop) {
  std::string body;
  while (body.size() < request.body_bytes) {
    if (stop.stop_requested()) return fail(ErrorKind::cancelled, "sending cancelled");
    body += as_text(TRY(request.body()));
  }
  const Answer answer = state_.lock()->answer;
  if (!answer) return fail(ErrorKind::not_found, "nobody answers " + request.url);
  return answer(request, body);
}

// ---- process -------------------------------------------------------------------------------

std::optional<std::string> FakeProcess::env(std::string_view name) const {
  const auto found = environment.find(name);
  if (found == environment.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

}  // namespace quern
