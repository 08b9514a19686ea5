// Functions of the host that guests import. Part of wasm/wasm.hpp.
//
// Two doors. Components import interfaces (HostInterface): their values cross in a flat encoding
// (docs/formats/bridge-values.md) read and written by ValueReader and ValueWriter. Core modules
// import raw functions (RawFunction) that see the guest's memory in place.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wasm/guest_memory.hpp"
#include "wasm/sandbox.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quern::wasm {

// Reads the arguments of a call, in the order of the WIT signature. A guest that declares its
// import with other types than these is ended when it calls it: reading beyond the end throws, and
// so does text that is none. So a host function reads all of its arguments before it returns.
class ValueReader {
 public:
  explicit ValueReader(ByteView bytes) : rest_(bytes) {}
  bool boolean();
  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  float f32();
  double f64();
  std::string_view text();       // valid as long as the bytes
  ByteView bytes();              // list<u8>
  std::uint32_t count();         // of a list; its elements follow
  std::uint32_t discriminant();  // of a variant or enum; its payload follows
  bool present();                // of an option (true: the value follows) or result (true: ok)
  std::uint32_t resource();      // the rep of an own<> or borrow<> of a host resource

 private:
  ByteView rest_;
};

// Set from any thread; a guest's pollable made of it is ready while it is set.
class Waitable {
 public:
  static std::shared_ptr<Waitable> create();
  virtual ~Waitable() = default;
  virtual void set(bool ready) = 0;
};

// Writes results in the order and types of the WIT signature; the bridge checks them.
class ValueWriter {
 public:
  ValueWriter& boolean(bool v);
  ValueWriter& u8(std::uint8_t v);
  ValueWriter& u32(std::uint32_t v);
  ValueWriter& u64(std::uint64_t v);
  ValueWriter& f32(float v);
  ValueWriter& f64(double v);
  ValueWriter& text(std::string_view v);
  ValueWriter& bytes(ByteView v);
  ValueWriter& count(std::size_t v);
  ValueWriter& discriminant(std::uint32_t v);
  ValueWriter& present(bool v);
  ValueWriter& resource(std::uint32_t rep);                   // own<> of a host resource
  ValueWriter& pollable(std::shared_ptr<Waitable> waitable);  // own<wasi:io/poll.pollable>

  const Buffer& encoded() const { return bytes_; }
  // Those that the encoded bytes name by index.
  const std::vector<std::shared_ptr<Waitable>>& waitables() const { return waitables_; }

 private:
  Buffer bytes_;
  std::vector<std::shared_ptr<Waitable>> waitables_;
};

enum class Stream : std::uint8_t { out, err };

// One call from a guest, answered exactly once, from any thread, now or later. When the instance
// ends first, the answer is dropped. Destroying an unanswered call traps the guest.
class HostCall {
 public:
  virtual ~HostCall() = default;
  virtual ValueReader arguments() const = 0;
  // What Sandbox::state was; null when it was.
  virtual const std::shared_ptr<InstanceState>& state() const = 0;
  virtual void resolve(const ValueWriter& results) = 0;
  // On the guest's own stdout or stderr, before resolve(), whose answer comes after it. More than
  // Limits::output ends the guest then.
  virtual void print(Stream stream, std::string_view text) = 0;
  // Ends the instance with guest_trap and this message.
  virtual void trap(std::string message) = 0;
};

using HostFunction = std::function<void(std::unique_ptr<HostCall>)>;

struct HostResource {
  std::string name;  // "generation"
  // The guest dropped its last handle. Not called for handles alive when the instance ends:
  // InstanceState's destructor frees those.
  std::function<void(InstanceState* state, std::uint32_t rep)> drop;
};

struct HostInterface {
  std::string name;  // "quern:llm/inference@0.1.0"
  // WIT names: "granted-models", "[static]model.open", "[method]model.chat".
  std::vector<std::pair<std::string, HostFunction>> functions;
  std::vector<HostResource> resources;
};

enum class RawType : std::uint8_t { i32, i64, f32, f64 };

// A raw call: a function that is asked again after it said `pending` and its waker was called.
class RawCall {
 public:
  virtual ~RawCall() = default;
  virtual GuestMemory& memory() = 0;  // memory 0 of the caller
  virtual std::uint64_t argument(std::size_t index) const = 0;
  virtual void result(std::size_t index, std::uint64_t value) = 0;
  virtual InstanceState* state() const = 0;
  // Wakes this call once; from any thread, also after the instance is gone.
  virtual std::function<void()> waker() = 0;
  // On the guest's own stdout or stderr. More than Limits::output ends the guest once the call
  // returns.
  virtual void print(Stream stream, std::string_view text) = 0;
  // Of a function that answers at once: more memory, by pages of 64 KiB; where it begins. What
  // memory() gave before is nothing any more. resource_exhausted: the limit.
  virtual Result<std::uint32_t> grow(std::uint32_t pages) = 0;
};

enum class RawStatus : std::uint8_t { done, pending };

// A function that answers `at_once` is called without a fiber: it never says `pending`, and has no
// waker() and no print().
enum class RawPace : std::uint8_t { may_wait, at_once };

struct RawFunction {
  std::string module;
  std::string name;
  std::vector<RawType> parameters;
  std::vector<RawType> results;
  // An error ends the instance with guest_trap and the error's message.
  std::function<Result<RawStatus>(RawCall&)> call;
  RawPace pace = RawPace::may_wait;
};

// What to say of an import that nobody provides: "wasi:nn/" and who would.
struct ImportAdvice {
  std::string beginning;  // of "module.name" for modules, of the interface's name for components
  std::string advice;
};

struct HostImports {
  std::vector<HostInterface> interfaces;  // for components
  std::vector<RawFunction> functions;     // for modules
  std::vector<ImportAdvice> advice;       // for link()'s error; the first that fits an import
};

}  // namespace quern::wasm
