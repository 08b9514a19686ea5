// Where Quern keeps what it must remember on this machine.
#pragma once

#include "base/process.hpp"
#include "base/result.hpp"

#include <filesystem>
#include <vector>

namespace quern {

struct Home {
  std::filesystem::path data;     // QUERN_HOME, else XDG_DATA_HOME/quern, else ~/.local/share/quern
  std::filesystem::path models;   // data/models
  std::filesystem::path history;  // data/chat-history
  std::filesystem::path stores;   // data/stores: key-value stores of guests
  std::filesystem::path code;  // compiled guests: QUERN_HOME/code, else XDG_CACHE_HOME/quern/code
  // QUERN_MODELS, separated by colons: more places that hold GGUF files, read only.
  std::vector<std::filesystem::path> more_models;
};

// unavailable when neither QUERN_HOME nor HOME says where.
Result<Home> find_home(const Process& process);

}  // namespace quern
