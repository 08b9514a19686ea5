// From what a program imports to what somebody who runs it would have to decide.
#include "package/package.hpp"

#include <algorithm>

namespace quern::package {
namespace {

bool imports(const Outline& outline, std::string_view beginning) {
  return std::ranges::any_of(outline.imports,
                             [&](const std::string& name) { return name.starts_with(beginning); });
}

}  // namespace

std::vector<std::string> grants_for(const Outline& outline) {
  std::vector<std::string> grants;
  if (imports(outline, "wasi:filesystem/preopens") ||
      imports(outline, "wasi_snapshot_preview1.path_open")) {
    grants.emplace_back("files: the folders that it may see (--dir)");
  }
  if (imports(outline, "wasi:cli/environment") ||
      imports(outline, "wasi_snapshot_preview1.environ_get")) {
    grants.emplace_back("env: the variables that it may read (--env)");
  }
  if (imports(outline, "wasi:http/outgoing-handler") || imports(outline, "wasi:sockets/tcp@") ||
      imports(outline, "wasi:sockets/udp@") ||
      imports(outline, "wasi_snapshot_preview1.sock_open")) {
    grants.emplace_back("net: the addresses that it may reach (--net)");
  }
  if (!uses_models(outline)) return grants;
  if (outline.cards.empty()) grants.emplace_back("models: the models that it may use (--model)");
  for (const ModelCard& card : outline.cards) {
    grants.push_back("models: " + card.weights.digest + ", its weights (--model)");
  }
  return grants;
}

}  // namespace quern::package
