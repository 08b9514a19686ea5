#include "tensor/graph_shelf.hpp"

#include <algorithm>
#include <optional>

namespace quern::tensor {

void GraphShelf::add(std::string name, GraphFile file) {
  files_.insert_or_assign(std::move(name), std::move(file));
}

std::shared_ptr<Graph> GraphShelf::loaded(std::string_view name) const {
  const auto state = state_.lock();
  const auto found = state->graphs.find(name);
  return found == state->graphs.end() ? nullptr : found->second;
}

// Two that come first at once both make one; the engine that came later is dropped.
Result<Engine*> GraphShelf::opened(std::size_t library) {
  if (Engine* const here = state_.lock()->engines[library].get()) return here;
  std::unique_ptr<Engine> made = TRY(libraries_[library].open());
  const auto state = state_.lock();
  std::unique_ptr<Engine>& engine = state->engines[library];
  if (engine == nullptr) engine = std::move(made);
  return engine.get();
}

Result<Engine*> GraphShelf::engine_for(Encoding encoding) {
  std::optional<Error> first;
  for (std::size_t i = 0; i < libraries_.size(); ++i) {
    const auto& reads = libraries_[i].reads;
    if (std::find(reads.begin(), reads.end(), encoding) == reads.end()) continue;
    auto engine = opened(i);
    if (engine.ok() || engine.error().kind() != ErrorKind::not_found) return engine;
    if (!first) first = engine.error();
  }
  if (first) return fail(ErrorKind::unsupported, first->message());
  return fail(ErrorKind::unsupported,
              "graphs of " + std::string(to_string(encoding)) + " are not read here");
}

Result<std::shared_ptr<Graph>> GraphShelf::open(std::string_view name) {
  if (auto graph = loaded(name)) return graph;
  const auto file = files_.find(name);
  if (file == files_.end()) {
    return fail(ErrorKind::not_found, "no graph \"" + std::string(name) + "\" is here");
  }
  Engine* const engine = TRY(engine_for(file->second.encoding));
  std::shared_ptr<Graph> graph =
      TRY(engine->load_file(file->second).context("loading " + file->first));
  const auto state = state_.lock();
  return state->graphs.emplace(file->first, std::move(graph)).first->second;
}

Result<std::shared_ptr<Graph>> GraphShelf::load(const GraphBytes& bytes) {
  Engine* const engine = TRY(engine_for(bytes.encoding));
  return engine->load_bytes(bytes);
}

}  // namespace quern::tensor
