// A client of Forward: one connection, kept and made again; every message is acknowledged before
// the batch counts as delivered.
#include "base/base64.hpp"
#include "http/stream.hpp"

#include "logs/msgpack.hpp"
#include "outputs/forward_wire.hpp"
#include "outputs/makers.hpp"

#include <array>
#include <atomic>
#include <random>
#include <set>

namespace quern::outputs {
namespace {

using http::Stream;
using logs::Batch;
using std::chrono::milliseconds;

// Of what a peer says: handshakes and acknowledgements.
constexpr std::size_t kLongestAnswer = std::size_t{16} * 1024;

struct ForwardOptions {
  http::StreamTarget target;
  ForwardForm form;
  Credentials credentials;
  bool acknowledged = true;
  milliseconds timeout{0};  // of connecting, and of a batch from its first byte to the last ack
};

std::string random_id() {
  std::random_device source;
  std::array<std::uint32_t, 4> words{};
  for (std::uint32_t& word : words) word = source();
  return to_base64(std::as_bytes(std::span(words)));
}

class ForwardOutput final : public logs::Output {
 public:
  explicit ForwardOutput(ForwardOptions options) : options_(std::move(options)) {}

  Result<Batch> deliver(const Batch& batch, const std::stop_token& stop) override {
    const std::vector<TagEntries> all = entries_by_tag(batch, options_.form);
    const bool kept = stream_ != nullptr;
    Result<> sent = send(all, stop);
    // A connection that was kept may have ended while nothing was sent: that is no failure yet.
    if (!sent.ok() && kept && sent.error().kind() == ErrorKind::unavailable) {
      ++reconnects_;
      sent = send(all, stop);
    }
    if (sent.ok()) return Batch();
    stream_.reset();
    const Error& error = sent.error();
    if (error.kind() == ErrorKind::cancelled) return fail(error);
    // Whatever the peer does wrong, the records are not to blame.
    return fail(ErrorKind::unavailable, name() + ": " + error.describe());
  }

  std::vector<logs::Figure> figures() const override {
    return {{.name = "output_forward_reconnects_total",
             .value = static_cast<double>(reconnects_.load())}};
  }

 private:
  std::string name() const {
    return options_.target.host + ":" + std::to_string(options_.target.port);
  }

  Result<> send(const std::vector<TagEntries>& all, const std::stop_token& stop) {
    const Deadline deadline = Deadline::in(options_.timeout);
    Result<> done = exchange(all, deadline, stop);
    if (!done.ok()) stream_.reset();
    return done;
  }

  Result<> exchange(const std::vector<TagEntries>& all, Deadline deadline,
                    const std::stop_token& stop) {
    TRY(connect(deadline, stop));
    std::set<std::string> waiting;
    for (const TagEntries& entries : all) {
      const std::string chunk = options_.acknowledged ? random_id() : std::string();
      if (!chunk.empty()) waiting.insert(chunk);
      TRY(stream_->write(packed_message(entries, options_.form, chunk), deadline, stop));
    }
    while (!waiting.empty()) {
      const Buffer message =
          TRY(read_message(deadline, stop)
                  .context(std::to_string(waiting.size()) + " messages are not acknowledged"));
      // Of a message that nobody waits for any more: from before a reconnection.
      waiting.erase(TRY(read_ack(message)));
    }
    return {};
  }

  Result<> connect(Deadline deadline, const std::stop_token& stop) {
    if (stream_ != nullptr) return still_there(stop);
    held_.clear();
    stream_ = TRY(http::connect_stream(options_.target, deadline, stop));
    if (options_.credentials.shared_key.empty()) return {};
    const Buffer first = TRY(read_message(deadline, stop).context("waiting for HELO"));
    const Helo helo = TRY(read_helo(first));
    const std::string salt = random_id();
    TRY(stream_->write(ping_message(helo, options_.credentials, salt), deadline, stop));
    const Buffer pong = TRY(read_message(deadline, stop).context("waiting for PONG"));
    return check_pong(pong, helo, options_.credentials, salt);
  }

  // A peer that has gone is noticed before a batch is written to it: without acknowledgements it
  // would be lost.
  Result<> still_there(const std::stop_token& stop) {
    std::array<std::byte, 512> bytes{};
    const Result<std::size_t> got = stream_->read(bytes, Deadline::in(milliseconds(0)), stop);
    if (!got.ok() && got.error().kind() == ErrorKind::deadline_exceeded) return {};
    if (got.ok() && *got > 0) {
      held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(*got));
      return {};
    }
    if (!got.ok() && got.error().kind() == ErrorKind::cancelled) return fail(got.error());
    return fail(ErrorKind::unavailable, "the peer has closed the connection");
  }

  // The next msgpack object.
  Result<Buffer> read_message(Deadline deadline, const std::stop_token& stop) {
    while (true) {
      logs::msgpack::Reader reader(held_);
      if (const Result<ByteView> whole = reader.skip(); whole.ok()) {
        Buffer message(whole->begin(), whole->end());
        held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(message.size()));
        return message;
      }
      if (held_.size() >= kLongestAnswer)
        return fail(ErrorKind::corrupt_data, "the peer sends what is no Forward");
      std::array<std::byte, 4096> bytes{};
      const std::size_t got = TRY(stream_->read(bytes, deadline, stop));
      if (got == 0) return fail(ErrorKind::unavailable, "the peer has closed the connection");
      held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(got));
    }
  }

  const ForwardOptions options_;
  std::unique_ptr<Stream> stream_;
  Buffer held_;  // of the peer, not yet a whole message
  std::atomic<std::uint64_t> reconnects_{0};
};

Result<std::string> secret(Settings& settings, std::string_view key,
                           const logs::StageWorld& world) {
  const auto source = TRY(settings.secret(key));
  if (!source) return std::string();
  Result<std::string> value = reveal(*source, world);
  if (!value.ok()) return settings.wrong(key, value.error().describe());
  return value;
}

}  // namespace

Made make_forward(Settings& settings, const logs::StageWorld& world) {
  ForwardOptions options;
  options.target.host = TRY(settings.text("host"));
  options.target.port =
      static_cast<std::uint16_t>(TRY(settings.number_or("port", 24224, {1, 65'535})));
  options.target.tls = TRY(settings.flag_or("tls", false));
  if (const std::string ca = TRY(settings.text_or("ca_file", "")); !ca.empty())
    options.target.ca_file = world.beside / ca;
  options.credentials = {.shared_key = TRY(secret(settings, "shared_key", world)),
                         .hostname = TRY(settings.text_or("self_hostname", "quern")),
                         .user = TRY(settings.text_or("user", "")),
                         .password = TRY(secret(settings, "password", world))};
  options.acknowledged = TRY(settings.flag_or("require_ack", true));
  options.timeout = TRY(settings.duration_or("timeout", milliseconds(30'000)));
  if (TRY(settings.one_of("compress", {"none", "gzip"})) == "gzip")
    options.form.packing = Packing::gzip;
  if (TRY(settings.flag_or("metadata", false))) options.form.metadata = Metadata::sent;
  options.form.tag = TRY(settings.text_or("tag", ""));
  if (options.form.tag.size() > logs::kLongestTag)
    return settings.wrong("tag", "is longer than 256 bytes");
  return std::unique_ptr<logs::Output>(std::make_unique<ForwardOutput>(std::move(options)));
}

}  // namespace quern::outputs
