// `fermyon:spin/sqlite@2.0.0`: databases in which components run SQL of their own.
//
// A guest opens what the manifest's [databases] names. All connections to one database are used on
// one lane of that database: a statement that takes long holds up those who share its database, and
// nobody else; a guest that waits for it holds no thread.
#pragma once

#include "base/guarded.hpp"
#include "guestapi/guest_instance.hpp"
#include "guestapi/lane.hpp"
#include "wasm/host.hpp"

#include "store/store.hpp"

#include <map>
#include <memory>
#include <string>

namespace quern::guestapi {

class SqlDatabase;

class SqlHost {
 public:
  // Null: no databases are offered. `stores` outlives *this, and *this every program linked with
  // its interface.
  explicit SqlHost(const store::Stores* stores) : stores_(stores) {}
  ~SqlHost();
  SqlHost(const SqlHost&) = delete;
  SqlHost& operator=(const SqlHost&) = delete;

  wasm::HostInterface interface();

 private:
  using Call = std::shared_ptr<wasm::HostCall>;
  using Method = Result<> (SqlHost::*)(GuestInstance&, const Call&);

  wasm::HostFunction function(Method method);
  std::shared_ptr<SqlDatabase> database(const store::Place& place);

  // Each answers the call itself, or returns the error to be answered.
  Result<> open(GuestInstance& guest, const Call& call);
  Result<> execute(GuestInstance& guest, const Call& call);

  const store::Stores* const stores_;
  // By place: as many as the owner granted.
  Guarded<std::map<std::string, std::shared_ptr<SqlDatabase>>> databases_;
};

}  // namespace quern::guestapi
