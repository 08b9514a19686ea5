// The index of Python packages: which one, and where in it a wheel lies.
#pragma once

#include "base/files.hpp"
#include "base/network.hpp"
#include "base/process.hpp"
#include "base/result.hpp"
#include "catalog/reference.hpp"

#include <cstdint>
#include <stop_token>
#include <string>

namespace quern::catalog {

// The address that pip would use: PIP_INDEX_URL, else pip's configuration files, else pip's own
// default as it was on the machine that built this. unsupported: none of them.
Result<std::string> configured_index(const Process& process, Files& files);

struct Wheel {
  std::string url;
  std::string digest;      // "sha256:...", empty where the index tells none
  std::uint64_t size = 0;  // 0: the index tells none
};

// The wheel of this package and version: "PACKAGE-VERSION-...-any.whl". Reads both forms of the
// index, JSON (PEP 691) and HTML (PEP 503). not_found, or as Network::fetch.
Result<Wheel> find_wheel(Network& network, const std::string& index, const WheelMember& wanted,
                         const std::stop_token& stop);

}  // namespace quern::catalog
