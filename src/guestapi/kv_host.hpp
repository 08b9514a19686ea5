// Key-value stores as components import them: `fermyon:spin/key-value@2.0.0` and `wasi:keyvalue` in
// the drafts 0.2.0-draft and 0.2.0-draft2 (store, atomics, batch).
//
// A guest opens what the manifest's [stores] names. All that touches a store happens on one lane,
// because it may wait for the disk; a guest that waits for it holds no thread.
#pragma once

#include "guestapi/guest_instance.hpp"
#include "guestapi/lane.hpp"
#include "wasm/host.hpp"

#include "store/store.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quern::guestapi {

class KvHost {
 public:
  // `stores` is touched by the lane's thread alone; null: none are offered. Both must outlive
  // *this, and *this every program linked with its interfaces.
  KvHost(store::Stores* stores, Lane& storing) : stores_(stores), storing_(storing) {}

  std::vector<wasm::HostInterface> interfaces();

 private:
  using Call = std::shared_ptr<wasm::HostCall>;
  // How the interface writes its `error`, and the few other things in which they differ.
  enum class Dialect : std::uint8_t { spin, draft, draft2, draft2_swap };
  using Method = Result<> (KvHost::*)(GuestInstance&, const Call&, Dialect);
  // Reads and writes the store; the rest of the answer goes into the writer.
  using Work = std::function<Result<>(store::Store&, wasm::ValueWriter&)>;

  static void refuse(wasm::HostCall& call, Dialect dialect, const Error& error);
  static void drop(wasm::InstanceState* state, std::uint32_t id);
  wasm::HostFunction function(Method method, Dialect dialect);
  Result<> on_lane(const Call& call, const store::Place& place, Dialect dialect, Work work);
  // Those that spin's `store` and the drafts' `bucket` have alike.
  void add_bucket(wasm::HostInterface& interface, const std::string& resource, Dialect dialect);
  wasm::HostInterface spin();
  wasm::HostInterface store(const std::string& version, Dialect dialect);
  wasm::HostInterface atomics(const std::string& version, Dialect dialect);
  wasm::HostInterface batch(const std::string& version, Dialect dialect);

  // Each answers the call itself, or returns the error to be answered.
  Result<> open(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> get(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> set(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> remove(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> exists(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> get_keys(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> list_keys(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> increment(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> new_cas(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> current(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> swap(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> get_many(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> set_many(GuestInstance& guest, const Call& call, Dialect dialect);
  Result<> delete_many(GuestInstance& guest, const Call& call, Dialect dialect);

  store::Stores* const stores_;
  Lane& storing_;
};

}  // namespace quern::guestapi
