// The graphs of one process by name, each loaded when it is first asked for and then shared. Part
// of tensor/tensor.hpp's room.
#pragma once

#include "base/guarded.hpp"

#include "tensor/tensor.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace quern::tensor {

class GraphShelf {
 public:
  using Open = std::function<Result<std::unique_ptr<Engine>>()>;

  // `open` makes the engine, once, when the first graph is loaded: who uses none pays for none.
  explicit GraphShelf(Open open) : open_(std::move(open)) {}

  // A file under a name. Before anybody asks for it; not thread-safe.
  void add(std::string name, std::filesystem::path path);

  bool has(std::string_view name) const { return files_.find(name) != files_.end(); }
  // At once; null when open() has to be asked.
  std::shared_ptr<Graph> loaded(std::string_view name) const;
  // Blocks while it loads. not_found for a name that was not added.
  Result<std::shared_ptr<Graph>> open(std::string_view name);
  // A graph of a guest's own, which nobody else sees. Blocks.
  Result<std::shared_ptr<Graph>> load(ByteView bytes);

 private:
  struct State {
    std::unique_ptr<Engine> engine;
    std::map<std::string, std::shared_ptr<Graph>, std::less<>> graphs;
  };
  Result<Engine*> engine();

  const Open open_;
  std::map<std::string, std::filesystem::path, std::less<>> files_;
  Guarded<State> state_;
};

}  // namespace quern::tensor
