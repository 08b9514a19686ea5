// What runs models behind WASI-NN. A new back-end is one implementation of these three.
//
// Everything here belongs to one instance, which makes one call at a time, on changing threads. A
// step that is pending is asked again, with the same arguments, once the call's waker was called.
#pragma once

#include "guestapi/handle_table.hpp"
#include "guestapi/nn_abi.hpp"
#include "guestapi/nn_step.hpp"
#include "wasm/host.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::guestapi {

class GuestInstance;

struct NnTensor {
  NnType type = NnType::u8;
  std::vector<std::uint32_t> shape;
  std::string data;
};

// An execution context: inputs, and the outputs they lead to. compute and compute_single may be
// asked only while the graph is loaded.
class NnContext : public Handle {
 public:
  virtual NnStep set_input(std::uint32_t index, NnTensor tensor) = 0;
  virtual NnStep compute(wasm::RawCall& call) = 0;
  virtual NnStep output(std::uint32_t index, wasm::RawCall& call, std::string& out) = 0;

  // One token at a time; only what generates text has these.
  virtual NnStep compute_single(wasm::RawCall& call);
  virtual NnStep output_single(std::uint32_t index, wasm::RawCall& call, std::string& out);
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

class NnBackend {
 public:
  virtual ~NnBackend() = default;
  virtual bool reads(NnEncoding encoding) const = 0;
  // Makes the graph that was granted under a name; `config` may be empty. Asked only for names
  // that the instance has no graph of.
  virtual NnStep load_by_name(GuestInstance& guest, wasm::RawCall& call, std::string_view name,
                              std::string_view config, std::shared_ptr<NnGraph>& out) = 0;
  // Makes a graph of the guest's own bytes. The views are valid during the call only.
  virtual NnStep load(GuestInstance& guest, wasm::RawCall& call,
                      const std::vector<std::string_view>& builders,
                      std::shared_ptr<NnGraph>& out) = 0;
};

}  // namespace quern::guestapi
