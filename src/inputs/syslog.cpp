// `type = "syslog"`: messages of RFC 3164 and RFC 5424 by UDP and TCP. Nobody is told what was
// taken: the protocol has no word for it.
#include "base/log.hpp"
#include "http/stream.hpp"

#include "inputs/lines.hpp"
#include "inputs/listening.hpp"
#include "inputs/makers.hpp"
#include "inputs/next_datagram.hpp"
#include "inputs/notice.hpp"
#include "inputs/now.hpp"
#include "inputs/syslog_frames.hpp"
#include "inputs/until_stopped.hpp"
#include "logs/msgpack.hpp"
#include "logs/parser.hpp"
#include "logs/record.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace quern::inputs {
namespace {

using logs::Figure;
using logs::msgpack::Writer;

constexpr std::uint16_t kPort = 5140;

struct SyslogOptions {
  Listening listening;
  bool udp = true;
  bool tcp = true;
  std::string tag;
  std::string key;         // of a message that is none
  std::string source_key;  // empty: the record has none
  Bytes max_message{};
  Bytes receive_buffer{};  // of the system, for datagrams
  std::chrono::milliseconds idle{};
};

struct SyslogCounts {
  std::atomic<std::uint32_t> connections{0};
  std::atomic<std::uint64_t> unparsed{0};
  std::atomic<std::uint64_t> cut{0};
  std::atomic<std::uint64_t> lost{0};  // records that the sink did not take
  // Of servers that are gone.
  std::atomic<std::uint64_t> tls_failed{0};
  std::atomic<std::uint64_t> dropped{0};  // datagrams, by the system
};

// Makes records of messages. Of one thread.
class SyslogRecords {
 public:
  SyslogRecords(const SyslogOptions& options, SyslogCounts& counts, Clock& clock)
      : options_(options), counts_(counts), clock_(clock) {}

  void add(std::string_view message, const std::string& peer) {
    const logs::EventTime now = event_time(clock_);
    Result<logs::Parsed> parsed = logs::parse_syslog(message, now);
    Buffer record;
    if (parsed.ok()) {
      record = std::move(parsed->record);
    } else {
      ++counts_.unparsed;
      logs::line_record(options_.key, message, record);
    }
    if (!options_.source_key.empty()) {
      if (auto with = logs::with_text(record, options_.source_key, peer.substr(0, peer.rfind(':')));
          with.ok())
        record = *std::move(with);
    }
    batch_.add(options_.tag, parsed.ok() ? parsed->time.value_or(now) : now, record);
  }
  bool full() const { return batch_.full(); }
  // False: it ends.
  bool give(logs::Sink& sink, const std::stop_token& stop, Notice& notice) {
    if (batch_.empty()) return true;
    const std::size_t count = batch_.size();
    const Result<> given = sink.accept(std::exchange(batch_, {}), stop);
    if (given.ok()) return true;
    counts_.lost += count;
    notice.say(std::to_string(count) + " messages are lost: " + given.error().describe());
    return given.error().kind() != ErrorKind::cancelled;
  }

 private:
  const SyslogOptions& options_;
  SyslogCounts& counts_;
  Clock& clock_;
  logs::Batch batch_;
};

std::string_view without_end(std::string_view message) {
  while (message.ends_with('\n') || message.ends_with('\r') || message.ends_with('\0'))
    message.remove_suffix(1);
  return message;
}

class Syslog final : public logs::Input {
 public:
  Syslog(SyslogOptions options, const logs::StageWorld& world)
      : options_(std::move(options)), clock_(world.clock), notice_("syslog " + world.name) {}

  Result<> run(logs::Sink& sink, std::stop_token stop) override {
    const Listening& where = options_.listening;
    std::unique_ptr<http::StreamServer> streams;
    std::unique_ptr<http::DatagramServer> datagrams;
    std::uint16_t port = where.port;
    if (options_.tcp) {
      streams = TRY(http::StreamServer::listen(
          {.host = where.host,
           .port = port,
           .max_connections = where.max_connections,
           .tls = where.tls,
           .thread_name = "quern-syslog"},
          [&](http::Stream& peer, const std::stop_token& end) { serve(sink, peer, end); }));
      port = streams->port();
    }
    if (options_.udp) {
      datagrams = TRY(http::DatagramServer::listen(where.host, port, options_.receive_buffer));
      port = datagrams->port();
      tell_receive_buffer(datagrams->receive_buffer());
    }
    show({.streams = streams.get(), .datagrams = datagrams.get(), .port = port});
    const Result<> ended = datagrams ? receive_all(sink, *datagrams, stop) : Result<>();
    if (!datagrams) wait_for(stop);
    show({.port = port});
    if (streams) counts_.tls_failed += streams->tls_failed();
    if (datagrams) counts_.dropped += datagrams->dropped();
    return ended;
  }

  std::vector<Figure> figures() const override {
    struct Seen {
      std::uint16_t port = 0;
      std::uint64_t refused = 0, tls_failed = 0, dropped = 0, buffer = 0;
    };
    const Seen seen = shown_.with([](const Shown& now) {
      Seen all{.port = now.port};
      if (now.streams != nullptr) {
        all.refused = now.streams->refused();
        all.tls_failed = now.streams->tls_failed();
      }
      if (now.datagrams != nullptr) {
        all.dropped = now.datagrams->dropped();
        all.buffer = now.datagrams->receive_buffer().count;
      }
      return all;
    });
    const auto figure = [](const char* name, auto value) {
      return Figure{.name = name, .value = static_cast<double>(value), .labels = {}};
    };
    return {figure("syslog_connections", counts_.connections.load()),
            figure("syslog_connections_refused_total", seen.refused),
            figure("syslog_tls_failed_total", counts_.tls_failed + seen.tls_failed),
            figure("syslog_datagrams_dropped_total", counts_.dropped + seen.dropped),
            figure("syslog_receive_buffer_bytes", seen.buffer),
            figure("syslog_messages_unparsed_total", counts_.unparsed.load()),
            figure("syslog_messages_cut_total", counts_.cut.load()),
            figure("syslog_messages_lost_total", counts_.lost.load()),
            figure("syslog_port", seen.port)};
  }

 private:
  struct Shown {
    http::StreamServer* streams = nullptr;  // while run() has it
    http::DatagramServer* datagrams = nullptr;
    std::uint16_t port = 0;
  };
  void show(const Shown& now) {
    shown_.with([&](Shown& shown) { shown = now; });
  }

  void tell_receive_buffer(Bytes given) const {
    if (given >= options_.receive_buffer) return;
    log::info("inputs", "syslog: the system lets " + to_string(given) + " of datagrams wait, not " +
                            to_string(options_.receive_buffer) +
                            "; sysctl net.core.rmem_max allows more");
  }

  // What the system threw away is seen in figures; here a person hears of it.
  void tell_drops(const http::DatagramServer& server, std::uint64_t& told) {
    const std::uint64_t dropped = server.dropped();
    if (dropped == told) return;
    notice_.say("the system dropped " + std::to_string(dropped - told) +
                " datagrams that came faster than they are taken; a larger receive_buffer, or tcp");
    told = dropped;
  }

  Result<> receive_all(logs::Sink& sink, http::DatagramServer& server,
                       const std::stop_token& stop) {
    SyslogRecords records(options_, counts_, clock_);
    std::uint64_t told = 0;
    while (!stop.stop_requested()) {
      std::size_t waited = 0;
      auto first = next_datagram(server, clock_, notice_, stop);
      if (!first.ok()) return {};
      // What else is here already goes in the same batch.
      for (auto datagram = std::move(first); datagram.ok();
           datagram = server.receive(Deadline::in(std::chrono::milliseconds(0)), stop)) {
        const std::string_view message = without_end(as_text(datagram->bytes));
        if (!message.empty())
          records.add(message.substr(0, options_.max_message.count), datagram->peer);
        ++waited;
        if (records.full()) break;
      }
      // A single one did not wait behind others.
      if (waited > 1) tell_drops(server, told);
      if (!records.give(sink, stop, notice_)) return {};
    }
    return {};
  }

  void serve(logs::Sink& sink, http::Stream& peer, const std::stop_token& stop) {
    ++counts_.connections;
    SyslogFrames frames(options_.max_message);
    SyslogRecords records(options_, counts_, clock_);
    const std::string source = peer.peer();
    for (bool more = true; more;) {
      const Result<std::size_t> got = peer.read(frames.room(), Deadline::in(options_.idle), stop);
      // However it ends, what came before is taken.
      more = got.ok() && *got > 0;
      more ? frames.filled(*got) : frames.end();
      const std::uint64_t cut = frames.cut();
      while (const auto message = frames.next()) records.add(*message, source);
      counts_.cut += frames.cut() - cut;
      if (!records.give(sink, stop, notice_)) break;
    }
    --counts_.connections;
  }

  const SyslogOptions options_;
  Clock& clock_;
  Notice notice_;
  SyslogCounts counts_;
  Guarded<Shown> shown_;
};

}  // namespace

MadeInput make_syslog(Settings& settings, const logs::StageWorld& world) {
  using namespace std::chrono_literals;
  SyslogOptions options;
  options.listening = TRY(read_listening(settings, world, kPort));
  const std::string mode = TRY(settings.one_of("mode", {"both", "udp", "tcp"}));
  options.udp = mode != "tcp";
  options.tcp = mode != "udp";
  if (options.listening.tls && options.udp) {
    if (settings.has("mode"))
      return settings.wrong("mode", "must be \"tcp\" where there is a certificate");
    options.udp = false;
  }
  options.tag = TRY(settings.text_or("tag", world.name));
  options.key = TRY(settings.text_or("key", "message"));
  options.source_key = TRY(settings.text_or("source_key", ""));
  options.max_message = TRY(settings.bytes_or("max_message", 64_KiB));
  if (options.max_message > kLongestLine)
    return settings.wrong("max_message", "is larger than a record may be");
  options.receive_buffer = TRY(settings.bytes_or("receive_buffer", 4_MiB));
  options.idle = TRY(settings.duration_or("idle_timeout", 10min));
  return std::make_unique<Syslog>(std::move(options), world);
}

}  // namespace quern::inputs
