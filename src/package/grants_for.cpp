// From what a program imports to what somebody who runs it would have to decide: lines that begin
// with the key of the manifest (docs/formats/manifest.md).
#include "package/package.hpp"

#include <algorithm>
#include <array>

namespace quern::package {
namespace {

// An import that is of no use without a grant.
struct Need {
  std::string_view import;
  std::string_view grant;
};

constexpr std::string_view kFiles = "files: the folders that it may see (--dir)";
constexpr std::string_view kEnv = "env: the variables that it may read (--env)";
constexpr std::string_view kNet = "net: the addresses that it may reach (--net)";
constexpr std::string_view kStores = "stores: where the stores that it opens are kept (--store)";
constexpr std::string_view kConfig = "config: the values that it may read (--config)";
constexpr std::string_view kGraphs =
    "graphs: how much the graphs may have that it brings itself (--graphs)";
constexpr std::string_view kModels = "models: the models that it may use (--model)";

// Needs of one grant stand together. wasi:nn/graph has both ways to a graph: bytes and a name.
constexpr auto kNeeds = std::to_array<Need>({
    {.import = "wasi:filesystem/preopens", .grant = kFiles},
    {.import = "wasi_snapshot_preview1.path_open", .grant = kFiles},
    {.import = "wasi:cli/environment", .grant = kEnv},
    {.import = "wasi_snapshot_preview1.environ_get", .grant = kEnv},
    {.import = "wasi:http/outgoing-handler", .grant = kNet},
    {.import = "wasi:sockets/tcp@", .grant = kNet},
    {.import = "wasi:sockets/udp@", .grant = kNet},
    {.import = "wasi:sockets/ip-name-lookup", .grant = kNet},
    {.import = "wasi_snapshot_preview1.sock_open", .grant = kNet},
    {.import = "wasi:keyvalue/", .grant = kStores},
    {.import = "fermyon:spin/key-value@", .grant = kStores},
    {.import = "wasi:config/", .grant = kConfig},
    {.import = "fermyon:spin/variables@", .grant = kConfig},
    {.import = "wasi:nn/graph@", .grant = kGraphs},
    {.import = "wasi_ephemeral_nn.load", .grant = kGraphs},
    {.import = "wasi:nn/graph@", .grant = kModels},
    {.import = "wasi_ephemeral_nn.load_by_name", .grant = kModels},
    {.import = "wasi_ephemeral_nn.load_by_name_with_config", .grant = kModels},
    {.import = "fermyon:spin/llm@", .grant = kModels},
});

// Interfaces by their beginning, functions of modules whole: load_by_name is not load.
bool meets(const std::string& import, std::string_view need) {
  const bool interface = need.find(':') != std::string_view::npos;
  return interface ? import.starts_with(need) : import == need;
}

bool has(const Outline& outline, const Need& need) {
  return std::ranges::any_of(outline.imports,
                             [&](const std::string& import) { return meets(import, need.import); });
}

}  // namespace

std::vector<std::string> grants_for(const Outline& outline) {
  std::vector<std::string> grants;
  for (const Need& need : kNeeds) {
    const bool told = !grants.empty() && grants.back() == need.grant;
    if (!told && has(outline, need)) grants.emplace_back(need.grant);
  }
  const bool told = !grants.empty() && grants.back() == kModels;
  if (!uses_models(outline)) return grants;
  if (outline.cards.empty() && !told) grants.emplace_back(kModels);
  for (const ModelCard& card : outline.cards) {
    std::string grant = "models: " + card.weights.digest + ", its weights (--model)";
    for (const Adapter& adapter : card.adapters) {
      grant += ", with " + to_string(adapter) + " (--lora)";
    }
    grants.push_back(std::move(grant));
  }
  return grants;
}

}  // namespace quern::package
