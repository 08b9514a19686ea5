// The graphs of one process by name, each loaded when it is first asked for and then shared. Part
// of tensor/tensor.hpp's room.
#pragma once

#include "base/guarded.hpp"

#include "tensor/tensor.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace quern::tensor {

class GraphShelf {
 public:
  // Of `libraries`, the first that is here and reads a graph loads it. Each is opened once, when
  // the first graph of its own is loaded: who uses none pays for none.
  explicit GraphShelf(std::vector<Library> libraries) : libraries_(std::move(libraries)) {
    state_.lock()->engines.resize(libraries_.size());
  }

  // A file under a name. Before anybody asks for it; not thread-safe.
  void add(std::string name, GraphFile file);

  bool has(std::string_view name) const { return files_.find(name) != files_.end(); }
  // At once; null when open() has to be asked.
  std::shared_ptr<Graph> loaded(std::string_view name) const;
  // Blocks while it loads. not_found for a name that was not added; unsupported, saying what to
  // install, when no library for it is here.
  Result<std::shared_ptr<Graph>> open(std::string_view name);
  // A graph of a guest's own, which nobody else sees. Blocks.
  Result<std::shared_ptr<Graph>> load(const GraphBytes& bytes);

 private:
  struct State {
    std::vector<std::unique_ptr<Engine>> engines;  // as libraries_; null until opened
    std::map<std::string, std::shared_ptr<Graph>, std::less<>> graphs;
  };
  Result<Engine*> engine_for(Encoding encoding);
  Result<Engine*> opened(std::size_t library);

  const std::vector<Library> libraries_;
  std::map<std::string, GraphFile, std::less<>> files_;
  Guarded<State> state_;
};

}  // namespace quern::tensor
