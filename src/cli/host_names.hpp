// By which names a server may be asked for: a guard against DNS rebinding, where a web page's own
// host name is made to point at this machine, so that the browser takes the server for the page's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quern::cli {

// "localhost", a name under it, or a loopback address, IPv6 with or without brackets.
bool is_loopback_name(std::string_view host);

class HostNames {
 public:
  // A server that listens on a loopback address answers to loopback names and to `allowed`; "*" in
  // it, or another listening address, lets every name in.
  HostNames(std::string_view listening_host, std::vector<std::string> allowed);
  // `authority` as in the Host header: a name, perhaps with a port.
  bool allow(std::string_view authority) const;

 private:
  const std::vector<std::string> allowed_;
  const bool any_;
};

}  // namespace quern::cli
