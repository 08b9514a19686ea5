// A model hub that speaks Hugging Face's API: which file of a repository, and its digest.
#pragma once

#include "base/network.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "catalog/reference.hpp"

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace quern::catalog {

struct HubWeights {
  std::string file;
  std::string url;
  std::string digest;  // "sha256:..." as the hub's storage has it
  std::uint64_t size = 0;
};

class Hub {
 public:
  // `address`: empty takes HF_ENDPOINT, else the public one. HF_TOKEN opens repositories that ask
  // for a sign-in.
  Hub(std::string address, const Process& process);

  // The file that is meant, as the hub lists it now. Without a name: the repository's GGUF in the
  // quantization that most people want. not_found, permission_denied (a licence to accept or a
  // token to set; the message says so), or as Network::fetch.
  Result<HubWeights> look_up(Network& network, const HubFile& wanted,
                             const std::stop_token& stop) const;

  std::vector<std::pair<std::string, std::string>> headers() const;
  const std::string& address() const { return address_; }

 private:
  std::string address_;
  std::string token_;
};

}  // namespace quern::catalog
