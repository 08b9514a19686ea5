// WIT: https://github.com/WebAssembly/wasi-keyvalue and Spin's SDKs. Numbers that `increment`
// counts are decimal text, as the host functions of other runtimes and Redis keep them.
#include "guestapi/kv_host.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"

#include <optional>
#include <utility>

namespace quern::guestapi {
namespace {

constexpr std::size_t kPage = 1000;  // keys of one answer that may be followed by another
// Of answers that no other follows, and of batches.
constexpr std::size_t kMostKeys = 65'536;
constexpr std::size_t kMostBatch = 1000;
// A list of bytes takes forty times as much while it crosses to the guest.
constexpr Bytes kMostAnswered = 2_MiB;

struct Bucket final : Handle {
  explicit Bucket(store::Place where) : place(std::move(where)) {}
  const store::Place place;
};

// A compare-and-swap that was begun: what the value was, as a digest, for a guest may hold
// thousands of them.
struct Cas final : Handle {
  Cas(store::Place where, std::string of) : place(std::move(where)), key(std::move(of)) {}
  const store::Place place;
  const std::string key;
  std::string seen;  // written on the lane, while the guest waits for it
};

std::string digest_of(const std::optional<Buffer>& value) {
  return value ? sha256(*value) : std::string();
}

Result<std::string> read_key(wasm::ValueReader& in) {
  const std::string_view key = in.text();
  if (key.size() <= store::kLongestKey) return std::string(key);
  return fail(ErrorKind::invalid_argument, "a key has at most 1 KiB");
}

Result<Buffer> read_value(wasm::ValueReader& in) {
  const ByteView value = in.bytes();
  if (value.size() <= store::kLargestValue.count) return Buffer(value.begin(), value.end());
  return fail(ErrorKind::invalid_argument, "a value has at most 1 MiB");
}

Result<std::uint32_t> read_batch(wasm::ValueReader& in) {
  const std::uint32_t count = in.count();
  if (count <= kMostBatch) return count;
  return fail(ErrorKind::invalid_argument, "a batch has at most 1000 entries");
}

Result<std::vector<std::string>> read_keys(wasm::ValueReader& in) {
  std::vector<std::string> keys;
  for (std::uint32_t left = TRY(read_batch(in)); left > 0; --left) {
    keys.push_back(TRY(read_key(in)));
  }
  return keys;
}

Result<std::shared_ptr<Bucket>> read_bucket(const GuestInstance& guest, wasm::ValueReader& in) {
  return guest.handles.find<Bucket>(in.resource(), "bucket");
}

void write_keys(wasm::ValueWriter& out, const std::vector<std::string>& keys) {
  out.count(keys.size());
  for (const std::string& key : keys) out.text(key);
}

void write_value(wasm::ValueWriter& out, const std::optional<Buffer>& value) {
  out.present(value.has_value());
  if (value) out.bytes(*value);
}

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

// What is there plus `delta`, as both are written.
template <class Number>
Result<Number> sum(const std::optional<Buffer>& now, std::uint64_t delta) {
  Number number = 0;
  if (now) {
    const auto read = parse_number<Number>(as_text(*now));
    if (!read.ok()) {
      return fail(ErrorKind::invalid_argument, "the value is no whole number in decimal digits");
    }
    number = *read;
  }
  if (__builtin_add_overflow(number, static_cast<Number>(delta), &number)) {
    return fail(ErrorKind::invalid_argument, "the number would not fit 64 bits");
  }
  return number;
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

Result<> KvHost::increment(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  std::string key = TRY(read_key(in));
  const std::uint64_t delta = in.u64();  // of draft2 signed
  return on_lane(
      call, bucket->place, dialect,
      [key = std::move(key), delta, dialect](store::Store& store, wasm::ValueWriter& out) {
        return store.update(key, [&](const std::optional<Buffer>& now) -> Result<Buffer> {
          if (dialect == Dialect::draft) {
            const auto number = TRY(sum<std::uint64_t>(now, delta));
            out.u64(number);
            return to_buffer(std::to_string(number));
          }
          const auto number = TRY(sum<std::int64_t>(now, delta));
          out.u64(static_cast<std::uint64_t>(number));
          return to_buffer(std::to_string(number));
        });
      });
}

Result<> KvHost::new_cas(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  const auto cas = std::make_shared<Cas>(bucket->place, TRY(read_key(in)));
  return on_lane(call, cas->place, dialect,
                 [&guest, cas](store::Store& store, wasm::ValueWriter& out) -> Result<> {
                   cas->seen = digest_of(TRY(store.get(cas->key)));
                   out.resource(TRY(guest.handles.add(cas)));
                   return {};
                 });
}

Result<> KvHost::current(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto cas = TRY(guest.handles.find<Cas>(in.resource(), "cas"));
  return on_lane(call, cas->place, dialect,
                 [cas](store::Store& store, wasm::ValueWriter& out) -> Result<> {
                   const auto value = TRY(store.get(cas->key));
                   cas->seen = digest_of(value);
                   write_value(out, value);
                   return {};
                 });
}

Result<> KvHost::swap(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const std::uint32_t id = in.resource();
  const auto cas = TRY(guest.handles.find<Cas>(id, "cas"));
  guest.handles.remove(id);  // the guest has handed it over
  return on_lane(call, cas->place, dialect,
                 [&guest, cas, value = TRY(read_value(in))](store::Store& store,
                                                            wasm::ValueWriter& out) -> Result<> {
                   std::optional<std::string> other;
                   const Result<> done = store.update(
                       cas->key, [&](const std::optional<Buffer>& now) -> Result<Buffer> {
                         if (digest_of(now) == cas->seen) return value;
                         other = digest_of(now);
                         return fail(ErrorKind::cancelled, "the value was changed");
                       });
                   if (!other) return done;
                   const auto next = std::make_shared<Cas>(cas->place, cas->key);
                   next->seen = *std::move(other);
                   const std::uint32_t fresh = TRY(guest.handles.add(next));
                   out = {};
                   out.present(false).discriminant(1).resource(fresh);  // cas-failed
                   return {};
                 });
}

Result<> KvHost::get_many(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  return on_lane(call, bucket->place, dialect,
                 [keys = TRY(read_keys(in)), dialect](store::Store& store,
                                                      wasm::ValueWriter& out) -> Result<> {
                   out.count(keys.size());
                   std::uint64_t bytes = 0;
                   for (const std::string& key : keys) {
                     const auto value = TRY(store.get(key));
                     bytes += value ? value->size() : 0;
                     if (bytes > kMostAnswered.count) {
                       return fail(ErrorKind::invalid_argument,
                                   "the values have more than 2 MiB together; get fewer at once");
                     }
                     // list<option<tuple<string, list<u8>>>>, later list<tuple<string, option<..>>>
                     if (dialect == Dialect::draft) out.present(value.has_value());
                     if (dialect != Dialect::draft || value) out.text(key);
                     if (dialect != Dialect::draft) out.present(value.has_value());
                     if (value) out.bytes(*value);
                   }
                   return {};
                 });
}

Result<> KvHost::set_many(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  std::vector<store::Change> changes;
  for (std::uint32_t left = TRY(read_batch(in)); left > 0; --left) {
    std::string key = TRY(read_key(in));
    changes.push_back({std::move(key), TRY(read_value(in))});
  }
  return on_lane(call, bucket->place, dialect,
                 [changes = std::move(changes)](store::Store& store, wasm::ValueWriter&) {
                   return store.write(changes);
                 });
}

Result<> KvHost::delete_many(GuestInstance& guest, const Call& call, Dialect dialect) {
  auto in = call->arguments();
  const auto bucket = TRY(read_bucket(guest, in));
  std::vector<std::string> keys = TRY(read_keys(in));
  std::vector<store::Change> changes;
  for (std::string& key : keys) changes.push_back({std::move(key), std::nullopt});
  return on_lane(call, bucket->place, dialect,
                 [changes = std::move(changes)](store::Store& store, wasm::ValueWriter&) {
                   return store.write(changes);
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
