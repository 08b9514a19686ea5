// What wasi:keyvalue does in one step, with nobody in between: increment, compare-and-swap,
// batches. Numbers that `increment` counts are decimal text, as Redis and other runtimes keep them.
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "guestapi/kv_host.hpp"
#include "guestapi/kv_values.hpp"

#include <optional>
#include <utility>

namespace quern::guestapi {
namespace {

// A list of bytes takes forty times as much while it crosses to the guest.
constexpr Bytes kMostAnswered = 2_MiB;

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

}  // namespace quern::guestapi
