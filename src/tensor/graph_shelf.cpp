#include "tensor/graph_shelf.hpp"

namespace quern::tensor {

void GraphShelf::add(std::string name, std::filesystem::path path) {
  files_.insert_or_assign(std::move(name), std::move(path));
}

std::shared_ptr<Graph> GraphShelf::loaded(std::string_view name) const {
  const auto state = state_.lock();
  const auto found = state->graphs.find(name);
  return found == state->graphs.end() ? nullptr : found->second;
}

// Two that come first at once both make one; the engine that came later is dropped.
Result<Engine*> GraphShelf::engine() {
  if (Engine* const here = state_.lock()->engine.get()) return here;
  std::unique_ptr<Engine> made = TRY(open_());
  const auto state = state_.lock();
  if (state->engine == nullptr) state->engine = std::move(made);
  return state->engine.get();
}

Result<std::shared_ptr<Graph>> GraphShelf::open(std::string_view name) {
  if (auto graph = loaded(name)) return graph;
  const auto file = files_.find(name);
  if (file == files_.end()) {
    return fail(ErrorKind::not_found, "no graph \"" + std::string(name) + "\" is here");
  }
  Engine* const engine = TRY(this->engine());
  std::shared_ptr<Graph> graph =
      TRY(engine->load_file(file->second).context("loading " + file->first));
  const auto state = state_.lock();
  return state->graphs.emplace(file->first, std::move(graph)).first->second;
}

Result<std::shared_ptr<Graph>> GraphShelf::load(ByteView bytes) {
  Engine* const engine = TRY(this->engine());
  return engine->load_bytes(bytes);
}

}  // namespace quern::tensor
