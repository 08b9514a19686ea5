// What one instance is given, and how much of it. Part of wasm/wasm.hpp.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quern::wasm {

// Every limit ends in a named error: resource_exhausted, deadline_exceeded or guest_trap.
struct Limits {
  // Linear memory, all memories together. Growing past it fails inside the guest (memory.grow
  // gives -1); a start size above it is resource_exhausted.
  Bytes memory = 256_MiB;
  // Elements of all tables together.
  std::uint32_t table_elements = 100'000;
  // From start to end, waiting included. deadline_exceeded.
  std::chrono::milliseconds wall{600'000};
  // Time on a processor, looked at every 10 ms. deadline_exceeded, naming CPU time.
  std::chrono::milliseconds cpu{60'000};
  // Handles open at once: of WASI (files, sockets, streams), and as many of host resources.
  // resource_exhausted. As many sockets of WasmEdge's extension: the guest hears of too many files.
  std::uint32_t handles = 4096;
  // Bytes written to stdout and stderr together. resource_exhausted.
  Bytes output = 64_MiB;
};

enum class Access : std::uint8_t { read, read_write };

struct Directory {
  std::filesystem::path host;
  std::string guest;  // the path the guest sees
  Access access = Access::read;
};

struct OutboundRequest {
  std::string method;
  std::string scheme;     // "http" or "https"
  std::string authority;  // "host:port"; the port is always there
  std::string path;
};

// `open`: a socket for whatever use; the address is empty. `tcp_listen`: the socket is bound to the
// address, whose port the system may have chosen.
enum class SocketUse : std::uint8_t {
  tcp_connect,
  tcp_bind,
  udp_bind,
  udp_send,
  resolve,
  open,
  tcp_listen
};

// Asked before a guest touches the network. Called on worker threads; must not block. An error is
// told to the guest as "denied"; its message goes to the log, once per instance.
class NetworkPolicy {
 public:
  virtual ~NetworkPolicy() = default;
  virtual Result<> allow_request(const OutboundRequest& request) = 0;
  // `address`: "ip:port", the host name for `resolve`, nothing for `open`.
  virtual Result<> allow_socket(SocketUse use, std::string_view address) = 0;
  // Told what an allowed name resolved to ("ip" each), before the guest or an outbound request uses
  // it: from now on those addresses stand for the name. Outbound requests then ask
  // allow_socket(tcp_connect) with the address as well, so that no name leads into a private net.
  virtual void resolved(std::string_view /*name*/, const std::vector<std::string>& /*addresses*/) {}
};

// Gets what a guest prints. Called on worker threads, one call at a time per stream.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void write(ByteView bytes) = 0;
};

enum class Standard : std::uint8_t { null, inherit };

// The host's side of one instance: handle tables and whatever else host functions need. Host
// functions get it through HostCall. Destroyed after the instance, when no HostCall holds it.
class InstanceState {
 public:
  virtual ~InstanceState() = default;
  // The instance is gone and no call of it will be answered any more. Called once, on any thread,
  // as soon as that is so: pending HostCalls hold this state, and here they are let go.
  virtual void ended() {}
};

// Where all that an instance hears from the world is written down, for Engine::replay.
struct Recording {
  std::filesystem::path file;  // made anew, mode 0600
  std::string program;         // its file, as it was named; empty: the host's own
  // Of all recordings of one engine together. The one that reaches it ends there; the guest goes
  // on.
  Bytes limit = 1_GiB;
};

// Everything one instance may see. The default is nothing.
struct Sandbox {
  std::vector<std::string> args;  // args[0] is the program's name
  std::vector<std::pair<std::string, std::string>> env;
  std::vector<Directory> directories;
  std::shared_ptr<NetworkPolicy> network;  // null: no network at all, and nobody hears of a try
  Standard standard_in = Standard::null;
  // Null: the process's own stdout/stderr when standard_out is `inherit`, else discarded.
  std::shared_ptr<OutputSink> out;
  std::shared_ptr<OutputSink> err;
  Standard standard_out = Standard::null;
  // The writing end of a pipe, which then is stdout: the guest waits while it is full. Its owner
  // keeps it open until the instance is gone. -1: none.
  int out_pipe = -1;
  Limits limits;
  std::shared_ptr<InstanceState> state;  // may be null
  std::optional<Recording> record;
  std::string log_tag;  // before what the log says of this instance: "[req 17] "
};

}  // namespace quern::wasm
