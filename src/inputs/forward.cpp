// `type = "forward"`: a server of the Forward protocol
// (https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1.5).
//
// A chunk is acknowledged once the sink has it on the disk. Messages that have arrived already are
// taken together and synced once. A sender that is not acknowledged sends again.
#include "base/text.hpp"
#include "http/stream.hpp"

#include "inputs/forward_handshake.hpp"
#include "inputs/forward_message.hpp"
#include "inputs/heartbeats.hpp"
#include "inputs/listening.hpp"
#include "inputs/makers.hpp"
#include "inputs/message_stream.hpp"
#include "inputs/notice.hpp"
#include "inputs/until_stopped.hpp"
#include "logs/msgpack.hpp"
#include <unistd.h>

#include <array>
#include <atomic>
#include <utility>

namespace quern::inputs {
namespace {

using logs::Figure;
using logs::msgpack::Writer;

constexpr std::uint16_t kPort = 24224;
constexpr std::chrono::seconds kAnswerTime(30);
constexpr std::chrono::seconds kHandshakeTime(10);
// Of a peer that did not prove yet that it knows the key.
constexpr MessageLimits kStranger{.largest = 4_KiB};
constexpr Bytes kHeartbeatRoom = 64_KiB;
// So much is taken before it is synced and acknowledged.
constexpr std::uint64_t kTogether = std::uint64_t{4} << 20U;

struct ForwardOptions {
  Listening listening;
  MessageLimits limits;
  Bytes largest_unpacked{};
  Bytes budget{};
  std::string tag_prefix;
  ForwardSecrets secrets;
};

struct ForwardCounts {
  std::atomic<std::uint32_t> connections{0};
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> broken{0};     // messages, and with each its connection
  std::atomic<std::uint64_t> refused{0};    // entries
  std::atomic<std::uint64_t> signals{0};    // messages of metrics or traces
  std::atomic<std::uint64_t> strangers{0};  // peers without the key
  std::atomic<std::uint64_t> heartbeats{0};
  std::atomic<std::uint64_t> tls_failed{0};  // of servers that are gone
};

// What connections share.
struct ForwardParts {
  const ForwardOptions& options;
  logs::Sink& sink;
  std::shared_ptr<ByteBudget> budget;
  ForwardCounts& counts;
  Notice& notice;
};

class ForwardConnection {
 public:
  ForwardConnection(ForwardParts& parts, http::Stream& stream, const std::stop_token& stop)
      : parts_(parts),
        stream_(stream),
        stop_(stop),
        share_(parts.budget),
        messages_(stream, asks_for_key() ? kStranger : parts.options.limits, share_) {}

  // Until the peer ends, or an error.
  Result<> serve() {
    if (asks_for_key() && !TRY(agree())) return {};
    while (auto message = TRY(messages_.next(stop_))) {
      std::uint64_t taken = 0;
      Result<> problem;
      while (message) {
        problem = take(*message);
        taken += message->size();
        if (!problem.ok() || taken >= kTogether) break;
        auto more = messages_.next_held();
        if (!more.ok()) problem = fail(more.error());
        message = more.ok() ? *more : std::nullopt;
      }
      TRY(acknowledge());
      TRY(problem);
    }
    return {};
  }

 private:
  bool asks_for_key() const { return !parts_.options.secrets.shared_key.empty(); }

  // False: the peer was told that it may not.
  Result<bool> agree() {
    const ForwardHandshake handshake(parts_.options.secrets);
    const Deadline deadline = Deadline::in(kHandshakeTime);
    TRY(stream_.write(handshake.hello(), deadline, stop_));
    const auto ping = TRY(messages_.next(stop_, deadline));
    if (!ping) return false;
    const ForwardHandshake::Answer answer = TRY(handshake.check(*ping));
    TRY(stream_.write(answer.pong, deadline, stop_));
    if (answer.refusal.empty()) {
      messages_.allow(parts_.options.limits);
      return true;
    }
    ++parts_.counts.strangers;
    parts_.notice.say("a peer is refused (" + answer.refusal + "): " + stream_.peer());
    return false;
  }

  Result<> take(ByteView bytes) {
    ++parts_.counts.messages;
    auto message = TRY(parse_forward(bytes));
    if (!message) return {};  // it keeps the connection alive
    if (message->signal != ForwardMessage::Signal::logs) {
      ++parts_.counts.signals;
      parts_.notice.say("metrics and traces are not taken; a peer sends them: " + stream_.peer());
      return {};
    }
    const std::uint64_t own = messages_.held();
    if (message->packed) {
      TRY(hold_soon(share_, own + parts_.options.largest_unpacked.count, stop_));
      TRY(unpack_entries(*message, parts_.options.largest_unpacked));
      share_.keep(own + message->held.size());
    }
    message->tag.insert(0, parts_.options.tag_prefix);
    message->tag.resize(std::min(message->tag.size(), logs::kLongestTag));
    const EntryCounts counts = TRY(each_batch(
        *message, [&](logs::Batch batch) { return parts_.sink.accept(std::move(batch), stop_); }));
    share_.keep(own);
    parts_.counts.refused += counts.refused;
    if (counts.refused > 0)
      parts_.notice.say("entries that are none, or above 1 MiB, of " + stream_.peer());
    if (message->chunk) chunks_.push_back(*std::move(message->chunk));
    return {};
  }

  Result<> acknowledge() {
    if (chunks_.empty()) return {};
    TRY(parts_.sink.sync());
    Buffer answers;
    Writer writer(answers);
    for (const std::string& chunk : chunks_) {
      writer.map(1);
      writer.string("ack");
      writer.string(chunk);
    }
    chunks_.clear();
    return stream_.write(answers, Deadline::in(kAnswerTime), stop_);
  }

  ForwardParts& parts_;
  http::Stream& stream_;
  const std::stop_token& stop_;
  ByteBudget::Share share_;
  MessageStream messages_;
  std::vector<std::string> chunks_;  // taken, and not acknowledged yet
};

// Ends that are nobody's fault.
bool is_ordinary(const Error& error) {
  return error.kind() == ErrorKind::cancelled || error.kind() == ErrorKind::unavailable ||
         error.kind() == ErrorKind::deadline_exceeded;
}

class Forward final : public logs::Input {
 public:
  Forward(ForwardOptions options, const logs::StageWorld& world)
      : options_(std::move(options)), clock_(world.clock), notice_("forward " + world.name) {}

  Result<> run(logs::Sink& sink, std::stop_token stop) override {
    ForwardParts parts{options_, sink, std::make_shared<ByteBudget>(options_.budget), counts_,
                       notice_};
    const Listening& where = options_.listening;
    const auto server = TRY(http::StreamServer::listen(
        {.host = where.host,
         .port = where.port,
         .max_connections = where.max_connections,
         .tls = where.tls,
         .thread_name = "quern-forward"},
        [&](http::Stream& stream, const std::stop_token& end) { serve(parts, stream, end); }));
    server_.with([&](auto& shown) { shown = server.get(); });
    take_heartbeats(server->port(), stop);
    server_.with([](auto& shown) { shown = nullptr; });
    counts_.tls_failed += server->tls_failed();
    return {};
  }

  std::vector<Figure> figures() const override {
    struct Seen {
      unsigned port = 0;
      std::uint64_t refused = 0, tls_failed = 0;
    };
    const Seen seen = server_.with([](const http::StreamServer* server) {
      return server == nullptr ? Seen()
                               : Seen{.port = server->port(),
                                      .refused = server->refused(),
                                      .tls_failed = server->tls_failed()};
    });
    const auto figure = [](const char* name, auto value) {
      return Figure{.name = name, .value = static_cast<double>(value), .labels = {}};
    };
    return {figure("forward_connections", counts_.connections.load()),
            figure("forward_messages_total", counts_.messages.load()),
            figure("forward_messages_broken_total", counts_.broken.load()),
            figure("forward_entries_refused_total", counts_.refused.load()),
            figure("forward_signals_refused_total", counts_.signals.load()),
            figure("forward_strangers_total", counts_.strangers.load()),
            figure("forward_connections_refused_total", seen.refused),
            figure("forward_tls_failed_total", counts_.tls_failed + seen.tls_failed),
            figure("forward_heartbeats_total", counts_.heartbeats.load()),
            figure("forward_port", seen.port)};
  }

 private:
  // At the port of the connections, until it is stopped; where another program has it, by nobody.
  void take_heartbeats(std::uint16_t port, const std::stop_token& stop) {
    const auto server = http::DatagramServer::listen(options_.listening.host, port, kHeartbeatRoom);
    if (server.ok()) return answer_heartbeats(**server, clock_, notice_, counts_.heartbeats, stop);
    notice_.say("no heartbeats by UDP: " + server.error().describe());
    wait_for(stop);
  }

  void serve(ForwardParts& parts, http::Stream& stream, const std::stop_token& stop) {
    ++counts_.connections;
    const Result<> ended = ForwardConnection(parts, stream, stop).serve();
    --counts_.connections;
    if (ended.ok() || is_ordinary(ended.error())) return;
    ++counts_.broken;
    notice_.say("the connection of " + stream.peer() + " is closed: " + ended.error().describe());
  }

  const ForwardOptions options_;
  Clock& clock_;
  ForwardCounts counts_;
  Notice notice_;
  Guarded<http::StreamServer*> server_{nullptr};  // while run() has it
};

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "quern";
}

Result<ForwardSecrets> read_secrets(Settings& settings, const logs::StageWorld& world) {
  ForwardSecrets secrets{.shared_key = TRY(read_secret(settings, "shared_key", world)).value_or(""),
                         .users = {},
                         .own_name = TRY(settings.text_or("self_hostname", host_name()))};
  for (Settings& user : TRY(settings.tables("user"))) {
    const std::string name = TRY(user.text("name"));
    const auto password = TRY(read_secret(user, "password", world));
    if (!password) return user.wrong("password", "is missing");
    secrets.users[name] = *password;
    TRY(user.finish());
  }
  if (!secrets.users.empty() && secrets.shared_key.empty())
    return settings.wrong("user", "needs a shared_key");
  return secrets;
}

}  // namespace

MadeInput make_forward(Settings& settings, const logs::StageWorld& world) {
  ForwardOptions options;
  options.listening = TRY(read_listening(settings, world, kPort));
  options.limits.largest = TRY(settings.bytes_or("max_message", options.limits.largest));
  options.limits.idle = TRY(settings.duration_or("idle_timeout", options.limits.idle));
  options.limits.message = TRY(settings.duration_or("message_timeout", options.limits.message));
  options.largest_unpacked = TRY(settings.bytes_or("max_unpacked", 32_MiB));
  options.budget = TRY(settings.bytes_or("max_held", 256_MiB));
  if (options.budget.count < options.largest_unpacked.count + 2 * options.limits.largest.count) {
    return settings.wrong("max_held", "must be at least max_unpacked and twice max_message: " +
                                          to_string(options.budget) + " is too little");
  }
  options.tag_prefix = TRY(settings.text_or("tag_prefix", ""));
  options.secrets = TRY(read_secrets(settings, world));
  return std::make_unique<Forward>(std::move(options), world);
}

}  // namespace quern::inputs
