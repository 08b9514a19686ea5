#include "inputs/message_stream.hpp"

#include "base/stop.hpp"

#include <algorithm>
#include <span>
#include <thread>

namespace quern::inputs {
namespace {

constexpr std::size_t kRoom = 64 * 1024;
// What an idle connection may go on holding.
constexpr std::size_t kKept = 256 * 1024;
constexpr std::chrono::seconds kPatience(30);
constexpr std::chrono::milliseconds kLook(2);

}  // namespace

Result<> hold_soon(ByteBudget::Share& share, std::uint64_t bytes, const std::stop_token& stop) {
  const Deadline deadline = Deadline::in(kPatience);
  while (!share.hold(bytes)) {
    const Result<> wanted = still_wanted(stop, deadline);
    if (!wanted.ok() && wanted.error().kind() == ErrorKind::deadline_exceeded)
      return fail(ErrorKind::resource_exhausted, "all peers together send more than is held here");
    TRY(wanted);
    std::this_thread::sleep_for(kLook);
  }
  return {};
}

Result<std::optional<ByteView>> MessageStream::next_held() {
  const ByteView rest = ByteView(bytes_).subspan(begin_, filled_ - begin_);
  const std::optional<std::size_t> size = TRY(scanner_.find_end(rest));
  if (!size) return std::optional<ByteView>();
  begin_ += *size;
  return std::optional(rest.first(*size));
}

Result<std::optional<ByteView>> MessageStream::next(const std::stop_token& stop, Deadline latest) {
  std::optional<Deadline> end;
  for (;;) {
    if (const auto message = TRY(next_held())) return message;
    const bool begun = filled_ > begin_;
    if (begun && !end) end = Deadline::in(limits_.message);
    TRY(make_room(stop));
    const Deadline deadline = (begun ? *end : Deadline::in(limits_.idle)).earlier(latest);
    const std::size_t got = TRY(stream_.read(std::span(bytes_).subspan(filled_), deadline, stop));
    if (got == 0 && begun)
      return fail(ErrorKind::unavailable, "the peer has ended within a message");
    if (got == 0) return std::optional<ByteView>();
    filled_ += got;
  }
}

Result<> MessageStream::make_room(const std::stop_token& stop) {
  std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_),
            bytes_.begin() + static_cast<std::ptrdiff_t>(filled_), bytes_.begin());
  filled_ -= begin_;
  begin_ = 0;
  if (filled_ == 0 && bytes_.size() > kKept) {
    Buffer().swap(bytes_);
    share_.keep(0);
  }
  // Who may say little gets little room.
  const std::size_t room = std::min<std::uint64_t>(kRoom, limits_.largest.count);
  if (bytes_.size() - filled_ >= std::max<std::size_t>(room / 4, 1)) return {};
  const std::size_t wanted = std::max(2 * filled_, filled_ + room);
  TRY(hold_soon(share_, wanted, stop));
  bytes_.resize(wanted);
  return {};
}

}  // namespace quern::inputs
