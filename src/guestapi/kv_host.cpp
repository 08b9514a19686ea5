// WIT: https://github.com/WebAssembly/wasi-keyvalue and Spin's SDKs.
#include "guestapi/kv_host.hpp"

#include "base/text.hpp"
#include "guestapi/kv_values.hpp"

#include <optional>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::size_t kPage = 1000;        // keys of one answer that may be followed by another
constexpr std::size_t kMostKeys = 65'536;  // of one that may not

// What the guest is told. What is wrong with the store itself is for its owner, and names files of
// the host.
Error for_guest(const wasm::HostCall& call, const Error& error) {
  switch (error.kind()) {
    case ErrorKind::guest_trap:
    case ErrorKind::invalid_argument:
    case ErrorKind::resource_exhausted: return {error.kind(), error.message()};
    default: break;
  }
  dynamic_cast<GuestInstance&>(*call.state()).warn(error.describe());
  return {error.kind(), "the store cannot be used; the host's log says why"};
}

}  // namespace

void KvHost::refuse(wasm::HostCall& call, Dialect dialect, const Error& error) {
  if (error.kind() == ErrorKind::guest_trap) return call.trap(error.message());
  wasm::ValueWriter out;
  out.present(false);
  if (dialect == Dialect::draft2_swap) out.discriminant(0);  // store-error
  out.discriminant(dialect == Dialect::spin ? 3 : 2).text(error.describe());
  call.resolve(out);
}

void KvHost::drop(wasm::InstanceState* state, std::uint32_t id) {
  if (auto* const guest = dynamic_cast<GuestInstance*>(state)) guest->handles.remove(id);
}

wasm::HostFunction KvHost::function(Method method, Dialect dialect) {
  return [this, method, dialect](std::unique_ptr<wasm::HostCall> call) {
    const Call shared = std::move(call);
    const auto guest = std::dynamic_pointer_cast<GuestInstance>(shared->state());
    if (!guest) return shared->trap("this guest was given no stores at all");
    const Result<> done = (this->*method)(*guest, shared, dialect);
    if (!done.ok()) refuse(*shared, dialect, done.error());
  };
}

Result<> KvHost::on_lane(const Call& call, const store::Place& place, Dialect dialect, Work work) {
  if (stores_ == nullptr) return fail(ErrorKind::unsupported, "no stores are kept here");
  const Result<> queued = storing_.run([this, call, place, dialect, work = std::move(work)] {
    wasm::ValueWriter out;
    out.present(true);
    const auto run = [&]() -> Result<> { return work(*TRY(stores_->open(place)), out); };
    const Result<> done = run();
    if (!done.ok()) return refuse(*call, dialect, for_guest(*call, done.error()));
    call->resolve(out);
  });
  if (queued.ok()) return {};
  return fail(queued.error().kind(), "too many calls wait for the stores; try again");
}

Result<> KvHost::open(GuestInstance& guest, const Call& call, Dialect dialect) {
  const auto place = guest.granted_store(call->arguments().text());
  if (!place.ok()) {
    guest.warn(place.error().message());
    wasm::ValueWriter denied;  // access-denied has no words
    denied.present(false).discriminant(dialect == Dialect::spin ? 2 : 1);
    call->resolve(denied);
    return {};
  }
  // A store that cannot be opened is told here, and not with the first key.
  return on_lane(call, *place, dialect,
                 [&guest, place = *place](store::Store&, wasm::ValueWriter& out) -> Result<> {
                   out.resource(TRY(guest.handles.add(std::make_shared<Bucket>(place))));
                   return {};
                 });
}

Result<> KvHost::get(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  return on_lane(
      call, bucket->place, dialect,
      [key = TRY(read_key(in))](store::Store& store, wasm::ValueWriter& out) -> Result<> {
        write_value(out, TRY(store.get(key)));
        return {};
      });
}

Result<> KvHost::set(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  std::string key = TRY(read_key(in));
  const store::Change change{std::move(key), TRY(read_value(in))};
  return on_lane(call, bucket->place, dialect, [change](store::Store& store, wasm::ValueWriter&) {
    return store.write({change});
  });
}

Result<> KvHost::remove(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  return on_lane(call, bucket->place, dialect,
                 [key = TRY(read_key(in))](store::Store& store, wasm::ValueWriter&) {
                   return store.write({{key, std::nullopt}});
                 });
}

Result<> KvHost::exists(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  return on_lane(
      call, bucket->place, dialect,
      [key = TRY(read_key(in))](store::Store& store, wasm::ValueWriter& out) -> Result<> {
        out.boolean(TRY(store.exists(key)));
        return {};
      });
}

Result<> KvHost::get_keys(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  return on_lane(call, bucket->place, dialect,
                 [](store::Store& store, wasm::ValueWriter& out) -> Result<> {
                   const store::Page page = TRY(store.keys(0, kMostKeys));
                   if (page.next) {
                     return fail(ErrorKind::resource_exhausted,
                                 "the store has more than 65536 keys; wasi:keyvalue lists them in "
                                 "pages");
                   }
                   write_keys(out, page.keys);
                   return {};
                 });
}

Result<> KvHost::list_keys(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  std::uint64_t begin = 0;
  const bool as_number = dialect == Dialect::draft;
  if (in.present()) {
    const auto cursor = as_number ? Result<std::uint64_t>(in.u64())
                                  : parse_number<std::uint64_t>(in.text().substr(0, 32));
    if (!cursor.ok())
      return fail(ErrorKind::invalid_argument, "the cursor is none of this store's");
    begin = *cursor;
  }
  return on_lane(call, bucket->place, dialect,
                 [begin, as_number](store::Store& store, wasm::ValueWriter& out) -> Result<> {
                   const store::Page page = TRY(store.keys(begin, kPage));
                   write_keys(out, page.keys);
                   out.present(page.next.has_value());
                   if (page.next && as_number) out.u64(*page.next);
                   if (page.next && !as_number) out.text(std::to_string(*page.next));
                   return {};
                 });
}

void KvHost::add_bucket(wasm::HostInterface& interface, const std::string& resource,
                        Dialect dialect) {
  const std::pair<const char*, Method> methods[] = {{"get", &KvHost::get},
                                                    {"set", &KvHost::set},
                                                    {"delete", &KvHost::remove},
                                                    {"exists", &KvHost::exists}};
  for (const auto& [name, method] : methods) {
    interface.functions.emplace_back("[method]" + resource + "." + name, function(method, dialect));
  }
  interface.resources.push_back({.name = resource, .drop = drop});
}

wasm::HostInterface KvHost::spin() {
  wasm::HostInterface made{
      .name = "fermyon:spin/key-value@2.0.0", .functions = {}, .resources = {}};
  add_bucket(made, "store", Dialect::spin);
  made.functions.emplace_back("[static]store.open", function(&KvHost::open, Dialect::spin));
  made.functions.emplace_back("[method]store.get-keys", function(&KvHost::get_keys, Dialect::spin));
  return made;
}

wasm::HostInterface KvHost::store(const std::string& version, Dialect dialect) {
  wasm::HostInterface made{
      .name = "wasi:keyvalue/store@" + version, .functions = {}, .resources = {}};
  add_bucket(made, "bucket", dialect);
  made.functions.emplace_back("open", function(&KvHost::open, dialect));
  made.functions.emplace_back("[method]bucket.list-keys", function(&KvHost::list_keys, dialect));
  return made;
}

wasm::HostInterface KvHost::atomics(const std::string& version, Dialect dialect) {
  wasm::HostInterface made{.name = "wasi:keyvalue/atomics@" + version,
                           .functions = {{"increment", function(&KvHost::increment, dialect)}},
                           .resources = {}};
  if (dialect == Dialect::draft) return made;
  made.functions.emplace_back("[static]cas.new", function(&KvHost::new_cas, dialect));
  made.functions.emplace_back("[method]cas.current", function(&KvHost::current, dialect));
  made.functions.emplace_back("swap", function(&KvHost::swap, Dialect::draft2_swap));
  made.resources.push_back({.name = "cas", .drop = drop});
  return made;
}

wasm::HostInterface KvHost::batch(const std::string& version, Dialect dialect) {
  return {.name = "wasi:keyvalue/batch@" + version,
          .functions = {{"get-many", function(&KvHost::get_many, dialect)},
                        {"set-many", function(&KvHost::set_many, dialect)},
                        {"delete-many", function(&KvHost::delete_many, dialect)}},
          .resources = {}};
}

std::vector<wasm::HostInterface> KvHost::interfaces() {
  std::vector<wasm::HostInterface> all = {spin()};
  for (const auto& [version, dialect] :
       {std::pair("0.2.0-draft", Dialect::draft), std::pair("0.2.0-draft2", Dialect::draft2)}) {
    all.push_back(store(version, dialect));
    all.push_back(atomics(version, dialect));
    all.push_back(batch(version, dialect));
  }
  return all;
}

}  // namespace quern::guestapi
