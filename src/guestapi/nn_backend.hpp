// What runs models behind WASI-NN. A new back-end is one implementation of these three.
//
// Everything here belongs to one instance, which makes one call at a time, on changing threads. A
// step that is pending is asked again, with the same arguments, once the call's waker was called.
#pragma once

#include "guestapi/handle_table.hpp"
#include "guestapi/nn_abi.hpp"
#include "guestapi/nn_call.hpp"
#include "guestapi/nn_step.hpp"

#include "tensor/tensor.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::guestapi {

class GuestInstance;

// An execution context: inputs, and the outputs they lead to. compute and compute_single may be
// asked only while the graph is loaded.
class NnContext : public Handle {
 public:
  // Core modules count inputs and outputs, components name them.
  virtual NnStep set_input(std::uint32_t index, tensor::Tensor tensor) = 0;
  virtual NnStep set_input(std::string_view name, tensor::Tensor tensor) = 0;
  // What was set is no input of the next computation.
  virtual void forget_inputs() = 0;
  virtual NnStep compute(NnCall& call) = 0;
  virtual NnStep output(std::uint32_t index, NnCall& call, std::string& out) = 0;
  virtual NnStep outputs(NnCall& call, tensor::NamedTensors& out) = 0;

  // One token at a time; only what generates text has these.
  virtual NnStep compute_single(NnCall& call);
  virtual NnStep output_single(std::uint32_t index, NnCall& call, std::string& out);
  virtual NnStep end_single();
};

class NnGraph : public Handle {
 public:
  virtual std::shared_ptr<NnContext> make_context(GuestInstance& guest) = 0;
  // No context computes any more; outputs can still be read.
  void unload() { loaded_ = false; }
  bool loaded() const { return loaded_; }

 private:
  bool loaded_ = true;
};

// The parts of one graph; valid during the call only.
using NnBuilders = std::vector<std::string_view>;

class NnBackend {
 public:
  virtual ~NnBackend() = default;
  // Whether load_by_name of this name is its matter. The last back-end is asked whatever it says.
  virtual bool knows(std::string_view name) const = 0;
  // Whether load of these is.
  virtual bool reads(NnEncoding encoding, const NnBuilders& builders) const = 0;
  // Makes the graph that was granted under a name; `config` may be empty. Asked only for names
  // that the instance has no graph of.
  virtual NnStep load_by_name(GuestInstance& guest, NnCall& call, std::string_view name,
                              std::string_view config, std::shared_ptr<NnGraph>& out) = 0;
  // Makes a graph of what the guest says it is made of.
  virtual NnStep load(GuestInstance& guest, NnCall& call, NnEncoding encoding,
                      const NnBuilders& builders, std::shared_ptr<NnGraph>& out) = 0;
};

// All of them, in the order in which they are asked.
class NnBackends {
 public:
  void add(std::unique_ptr<NnBackend> backend) { backends_.push_back(std::move(backend)); }

  NnStep load_by_name(GuestInstance& guest, NnCall& call, std::string_view name,
                      std::string_view config, std::shared_ptr<NnGraph>& out) const;
  // The numbers are the guest's.
  NnStep load(GuestInstance& guest, NnCall& call, const NnBuilders& builders,
              std::uint32_t encoding, std::uint32_t target, std::shared_ptr<NnGraph>& out) const;

 private:
  std::vector<std::unique_ptr<NnBackend>> backends_;
};

}  // namespace quern::guestapi
