// Names and addresses are granted apart. A name grants the addresses that it resolved to (told by
// `resolved`), for the ports of its pattern; but a wildcard grants a resolved address only where
// that is public, or anybody who owns a domain could point a guest at the host's own network.
#include "guestapi/network_policy.hpp"

#include "base/guarded.hpp"
#include "guestapi/net_pattern.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace quern::guestapi {
namespace {

// Addresses remembered per instance; more are not remembered, and so denied.
constexpr std::size_t kMostResolved = 1024;

Failure denied(const std::string& doing, std::string_view grant, const std::string& value,
               bool private_host) {
  return fail(ErrorKind::permission_denied,
              doing + " is not granted; the manifest would need: " + std::string(grant) + " = [\"" +
                  value + "\"]" + (private_host ? " (a wildcard reaches public hosts only)" : ""));
}

std::string shown(const HostPort& target) {
  return in_brackets(target.host) + ":" + std::to_string(target.port);
}

class GrantedNetwork final : public wasm::NetworkPolicy {
 public:
  GrantedNetwork(std::vector<NetPattern> net, std::vector<NetPattern> listen)
      : net_(std::move(net)), listen_(std::move(listen)) {}

  Result<> allow_request(const wasm::OutboundRequest& request) override {
    const HostPort target = TRY(parse_target(request.authority));
    const auto address = parse_ip(target.host);
    const bool allowed = std::any_of(net_.begin(), net_.end(), [&](const NetPattern& pattern) {
      return pattern.matches_port(target.port) &&
             (address.ok() ? pattern.matches_address(*address) : pattern.matches_name(target.host));
    });
    if (allowed) return {};
    return denied("requesting " + shown(target), "net", shown(target), has_any());
  }

  Result<> allow_socket(wasm::SocketUse use, std::string_view address) override {
    switch (use) {
      case wasm::SocketUse::resolve: return allow_resolve(address);
      case wasm::SocketUse::tcp_connect:
      case wasm::SocketUse::udp_send: return allow_peer(address);
      case wasm::SocketUse::tcp_bind:
      case wasm::SocketUse::udp_bind: return allow_bind(address, Chosen::by_guest);
      case wasm::SocketUse::tcp_listen: return allow_bind(address, Chosen::perhaps_by_system);
      case wasm::SocketUse::open: return allow_open();
    }
    return fail(ErrorKind::permission_denied, "an unknown use of the network");
  }

  void resolved(std::string_view name, const std::vector<std::string>& addresses) override {
    const auto target = parse_target(std::string(name) + ":0");
    if (!target.ok()) return;
    resolved_.with([&](auto& known) {
      for (const std::string& text : addresses) {
        const auto address = parse_ip(text);
        if (address.ok() && known.size() < kMostResolved) known[*address].insert(target->host);
      }
    });
  }

 private:
  // Who chose the port that a socket has. One that a guest names was asked for when it was bound.
  enum class Chosen : std::uint8_t { by_guest, perhaps_by_system };

  bool has_any() const {
    return std::any_of(net_.begin(), net_.end(), [](const auto& p) { return p.is_wildcard(); });
  }

  Result<> allow_resolve(std::string_view name) const {
    // The port is not known yet: a name of any granted port may be looked up.
    const HostPort target = TRY(parse_target(std::string(name) + ":0"));
    const auto address = parse_ip(target.host);
    const bool allowed = std::any_of(net_.begin(), net_.end(), [&](const NetPattern& pattern) {
      return address.ok() ? pattern.matches_address(*address) : pattern.matches_name(target.host);
    });
    if (allowed) return {};
    return denied("looking up " + target.host, "net", target.host + ":*", has_any());
  }

  Result<> allow_peer(std::string_view text) const {
    const HostPort target = TRY(parse_target(text));
    const IpAddress address = TRY(parse_ip(target.host));
    const auto names = resolved_.with([&](const auto& known) {
      const auto at = known.find(address);
      return at == known.end() ? std::set<std::string>() : at->second;
    });
    const bool allowed = std::any_of(net_.begin(), net_.end(), [&](const NetPattern& pattern) {
      if (!pattern.matches_port(target.port)) return false;
      if (pattern.matches_address(address)) return true;
      if (pattern.is_wildcard() && !is_public(address)) return false;
      return std::any_of(names.begin(), names.end(),
                         [&](const std::string& name) { return pattern.matches_name(name); });
    });
    if (allowed) return {};
    return denied("connecting to " + shown(target), "net", shown(target), has_any());
  }

  // Without any grant a socket leads nowhere, but it would cost a descriptor.
  Result<> allow_open() const {
    if (!net_.empty() || !listen_.empty()) return {};
    return denied("opening a socket", "net", "HOST:PORT", false);
  }

  Result<> allow_bind(std::string_view text, Chosen chosen) const {
    const HostPort target = TRY(parse_target(text));
    const IpAddress address = TRY(parse_ip(target.host));
    const bool allowed = std::any_of(listen_.begin(), listen_.end(), [&](const NetPattern& p) {
      const bool port =
          p.matches_port(target.port) || (chosen == Chosen::perhaps_by_system && p.matches_port(0));
      return port && (p.is_any() || p.matches_address(address));
    });
    if (allowed) return {};
    return denied("listening on " + shown(target), "listen", shown(target), false);
  }

  const std::vector<NetPattern> net_;
  const std::vector<NetPattern> listen_;
  Guarded<std::map<IpAddress, std::set<std::string>>> resolved_;
};

}  // namespace

Result<> check_net_entry(std::string_view entry) {
  const NetPattern pattern = TRY(NetPattern::parse(entry));
  // "*" as a port begins at 0 too; a single 0 is no port that one could connect to.
  if (pattern.first_port() == 0 && !pattern.matches_port(1)) {
    return fail(ErrorKind::invalid_argument, "\"" + std::string(entry) + "\" names port 0");
  }
  return {};
}

Result<> check_listen_entry(std::string_view entry) {
  const NetPattern pattern = TRY(NetPattern::parse(entry));
  if (pattern.is_address()) return {};
  return fail(ErrorKind::invalid_argument,
              "\"" + std::string(entry) +
                  "\" must name an address to listen on, as in "
                  "\"127.0.0.1:9000\"; 0.0.0.0 is every IPv4 address of this machine");
}

Result<std::shared_ptr<wasm::NetworkPolicy>> make_network_policy(
    const std::vector<std::string>& net, const std::vector<std::string>& listen) {
  std::vector<NetPattern> peers;
  for (const std::string& entry : net) {
    TRY(check_net_entry(entry));
    peers.push_back(TRY(NetPattern::parse(entry)));
  }
  std::vector<NetPattern> own;
  for (const std::string& entry : listen) {
    TRY(check_listen_entry(entry));
    own.push_back(TRY(NetPattern::parse(entry)));
  }
  return std::shared_ptr<wasm::NetworkPolicy>(
      std::make_shared<GrantedNetwork>(std::move(peers), std::move(own)));
}

}  // namespace quern::guestapi
