// Key-value stores as guests see them, kept in memory.
#include "guestapi/fakes.hpp"
#include "guestapi/test_guest.hpp"

#include "store/fakes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace quern::guestapi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint32_t kForged = 77;

// What the dialects call the same.
struct Names {
  std::string store;    // interface of open and of the resource
  std::string open;     // function
  std::string methods;  // "[method]bucket."
  std::string resource;
  std::uint32_t denied;  // cases of `error`
  std::uint32_t other;
};
const Names kSpin{
    "fermyon:spin/key-value@2.0.0", "[static]store.open", "[method]store.", "store", 2, 3};
const Names kDraft{"wasi:keyvalue/store@0.2.0-draft", "open", "[method]bucket.", "bucket", 1, 2};
const Names kDraft2{"wasi:keyvalue/store@0.2.0-draft2", "open", "[method]bucket.", "bucket", 1, 2};

Grants store_grants() {
  return {.stores = {{.label = "default", .place = {.name = "shop"}},
                     {.label = "small", .place = {.name = "little"}}}};
}

// A guest that speaks one of the dialects.
class KvGuest : public TestGuest {
 public:
  KvGuest(const GuestApi& api, Names names, const Grants& grants = store_grants())
      : TestGuest(api, grants), names_(std::move(names)) {}

  std::uint32_t open(std::string_view label = "default") const {
    wasm::ValueWriter out;
    return handle(names_.store + "#" + names_.open, out.text(label));
  }
  Answer try_open(std::string_view label) const {
    wasm::ValueWriter out;
    return call(names_.store + "#" + names_.open, out.text(label));
  }
  Answer method(const std::string& name, const wasm::ValueWriter& arguments) const {
    return call(names_.store + "#" + names_.methods + name, arguments);
  }
  Answer set(std::uint32_t bucket, std::string_view key, std::string_view value) const {
    wasm::ValueWriter out;
    return method("set", out.resource(bucket).text(key).bytes(as_bytes(value)));
  }
  // "none" where there is nothing under the key.
  std::string get(std::uint32_t bucket, std::string_view key) const {
    wasm::ValueWriter out;
    const Answer answer = method("get", out.resource(bucket).text(key));
    auto in = answer.reader();
    if (answer.kind != Answer::Kind::resolved || !in.present()) return "error";
    return in.present() ? std::string(as_text(in.bytes())) : "none";
  }
  bool exists(std::uint32_t bucket, std::string_view key) const {
    wasm::ValueWriter out;
    const Answer answer = method("exists", out.resource(bucket).text(key));
    auto in = answer.reader();
    EXPECT_TRUE(in.present());
    return in.boolean();
  }
  // The text of an `other`.
  std::string other(const Answer& answer) const {
    EXPECT_EQ(answer.kind, Answer::Kind::resolved) << answer.trap;
    auto in = answer.reader();
    if (answer.kind != Answer::Kind::resolved || in.present()) return "no error";
    EXPECT_EQ(in.discriminant(), names_.other);
    return std::string(in.text());
  }
  const Names& names() const { return names_; }

 private:
  const Names names_;
};

class KvTest : public ::testing::Test {
 protected:
  std::unique_ptr<inference::Engine> engine = inference::make_fake_engine("gemma", {});
  LoadedModels models{*engine};
  GuestApi api{models, store::make_memory_stores()};
};

const Names& names_of(std::string_view dialect) {
  if (dialect == "spin") return kSpin;
  return dialect == "draft" ? kDraft : kDraft2;
}

class EveryDialect : public KvTest, public ::testing::WithParamInterface<const char*> {
 protected:
  const Names& names = names_of(GetParam());
  KvGuest guest{api, names};
};

INSTANTIATE_TEST_SUITE_P(Dialects, EveryDialect, ::testing::Values("spin", "draft", "draft2"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(EveryDialect, SetGetExistsDelete) {
  const std::uint32_t bucket = guest.open();
  EXPECT_EQ(guest.get(bucket, "a"), "none");
  EXPECT_TRUE(guest.set(bucket, "a", std::string("x\0y", 3)).reader().present());
  EXPECT_EQ(guest.get(bucket, "a"), std::string("x\0y", 3));
  EXPECT_TRUE(guest.exists(bucket, "a"));
  wasm::ValueWriter key;
  EXPECT_TRUE(guest.method("delete", key.resource(bucket).text("a")).reader().present());
  EXPECT_FALSE(guest.exists(bucket, "a"));
}

TEST_P(EveryDialect, ALabelThatIsNotGrantedIsDenied) {
  const Answer answer = guest.try_open("sessions");
  auto in = answer.reader();
  EXPECT_FALSE(in.present());
  EXPECT_EQ(in.discriminant(), guest.names().denied);
  const KvGuest none(api, names, {});
  EXPECT_FALSE(none.try_open("default").reader().present());
  EXPECT_FALSE(none.try_open(std::string(1'000'000, 'x')).reader().present());
}

TEST_P(EveryDialect, LabelsAreApartAndGuestsOfOnePlaceShareIt) {
  const std::uint32_t bucket = guest.open("default");
  EXPECT_TRUE(guest.set(bucket, "a", "1").reader().present());
  EXPECT_EQ(guest.get(guest.open("small"), "a"), "none");
  const KvGuest other(api, kDraft2, {.stores = {{.label = "mine", .place = {.name = "shop"}}}});
  EXPECT_EQ(other.get(other.open("mine"), "a"), "1");
}

TEST_P(EveryDialect, OverlongKeysAndValuesAreRefusedWithoutBeingRepeated) {
  const std::uint32_t bucket = guest.open();
  const std::string key(5'000'000, 'k');
  wasm::ValueWriter arguments;
  arguments.resource(bucket).text(key);
  for (const char* method : {"get", "exists", "delete"}) {
    EXPECT_THAT(guest.other(guest.method(method, arguments)), HasSubstr("1 KiB"));
  }
  EXPECT_THAT(guest.other(guest.set(bucket, key, "x")), HasSubstr("1 KiB"));
  EXPECT_THAT(guest.other(guest.set(bucket, "a", std::string((1U << 20U) + 1, 'v'))),
              HasSubstr("1 MiB"));
  EXPECT_TRUE(guest.set(bucket, "a", std::string(1U << 20U, 'v')).reader().present());
}

TEST_P(EveryDialect, ForgedHandlesTrapByName) {
  const KvGuest other(api, names);
  for (const std::uint32_t forged : {kForged, 0U, 0xffffffffU, other.open()}) {
    wasm::ValueWriter key;
    key.resource(forged).text("a");
    for (const char* method : {"get", "exists", "delete"}) {
      const Answer answer = guest.method(method, key);
      EXPECT_EQ(answer.kind, Answer::Kind::trapped);
      EXPECT_THAT(answer.trap, HasSubstr("is no open bucket"));
    }
  }
  guest.drop(guest.names().resource, kForged);
}

TEST_P(EveryDialect, AFullStoreSaysSo) {
  Grants few = store_grants();
  few.store_limit = 100_KiB;
  const KvGuest small(api, names, few);
  const std::uint32_t bucket = small.open();
  EXPECT_TRUE(small.set(bucket, "a", std::string(60'000, 'x')).reader().present());
  EXPECT_THAT(small.other(small.set(bucket, "b", std::string(60'000, 'x'))), HasSubstr("full"));
  EXPECT_TRUE(small.exists(bucket, "a"));
  EXPECT_FALSE(small.exists(bucket, "b"));
}

// Stores that cannot be opened.
class BrokenStores final : public store::Stores {
 public:
  Result<store::Store*> open(const store::Place&) override {
    return fail(ErrorKind::corrupt_data,
                "/home/alice/shop.sqlite is a database of another program");
  }
};

TEST_F(KvTest, WhatIsWrongWithTheFileIsForItsOwnerAlone) {
  const GuestApi broken(models, std::make_unique<BrokenStores>());
  for (const Names& names : {kSpin, kDraft, kDraft2}) {
    const KvGuest guest(broken, names);
    const std::string told = guest.other(guest.try_open("default"));
    EXPECT_THAT(told, HasSubstr("the host's log"));
    EXPECT_EQ(told.find("alice"), std::string::npos);
  }
}

TEST_F(KvTest, WithoutStoresOpeningSaysSo) {
  const GuestApi bare(models);
  const KvGuest guest(bare, kSpin);
  EXPECT_THAT(guest.other(guest.try_open("default")), HasSubstr("no stores"));
}

TEST_F(KvTest, SpinListsAllKeys) {
  const KvGuest guest(api, kSpin);
  const std::uint32_t bucket = guest.open();
  for (const char* key : {"b", "a", "c"}) guest.set(bucket, key, "x");
  const Answer answer = guest.method("get-keys", handle_argument(bucket));
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  ASSERT_EQ(in.count(), 3U);
  EXPECT_EQ(in.text(), "b");
  EXPECT_EQ(in.text(), "a");
  EXPECT_EQ(in.text(), "c");
}

// Sets so many keys, a thousand at a time.
void fill(const KvGuest& guest, std::uint32_t bucket, std::size_t count) {
  for (std::size_t made = 0; made < count;) {
    const std::size_t here = std::min<std::size_t>(1000, count - made);
    wasm::ValueWriter out;
    out.resource(bucket).count(here);
    for (std::size_t i = 0; i < here; ++i) {
      out.text("key " + std::to_string(made++)).bytes(as_bytes("x"));
    }
    const Answer answer = guest.call("wasi:keyvalue/batch@0.2.0-draft2#set-many", out);
    ASSERT_TRUE(answer.reader().present());
  }
}

TEST_F(KvTest, AHugeListingComesInPagesOrIsRefused) {
  const KvGuest guest(api, kDraft2);
  const std::uint32_t bucket = guest.open();
  fill(guest, bucket, 70'000);
  const KvGuest spin(api, kSpin);
  EXPECT_THAT(spin.other(spin.method("get-keys", handle_argument(spin.open()))),
              HasSubstr("more than 65536 keys"));
  std::set<std::string> seen;
  std::string cursor;
  do {
    wasm::ValueWriter out;
    out.resource(bucket).present(!cursor.empty());
    if (!cursor.empty()) out.text(cursor);
    const Answer answer = guest.method("list-keys", out);
    auto in = answer.reader();
    ASSERT_TRUE(in.present());
    const std::uint32_t count = in.count();
    EXPECT_LE(count, 1000U);
    for (std::uint32_t left = count; left > 0; --left) seen.emplace(in.text());
    cursor = in.present() ? in.text() : "";
  } while (!cursor.empty());
  EXPECT_EQ(seen.size(), 70'000U);
}

TEST_F(KvTest, TheFirstDraftsCursorIsANumber) {
  const KvGuest guest(api, kDraft);
  const std::uint32_t bucket = guest.open();
  fill(guest, bucket, 1001);
  wasm::ValueWriter first;
  const Answer page = guest.method("list-keys", first.resource(bucket).present(false));
  auto in = page.reader();
  ASSERT_TRUE(in.present());
  for (std::uint32_t left = in.count(); left > 0; --left) (void)in.text();
  ASSERT_TRUE(in.present());
  wasm::ValueWriter second;
  const Answer rest =
      guest.method("list-keys", second.resource(bucket).present(true).u64(in.u64()));
  auto last = rest.reader();
  ASSERT_TRUE(last.present());
  EXPECT_EQ(last.count(), 1U);
  EXPECT_EQ(last.text(), "key 1000");
  EXPECT_FALSE(last.present());
}

TEST_F(KvTest, AForgedCursorIsAnErrorOrAnEmptyPage) {
  const KvGuest guest(api, kDraft2);
  const std::uint32_t bucket = guest.open();
  for (const std::string& cursor :
       {std::string("'; DROP"), std::string("-1"), std::string(9'000'000, '9')}) {
    wasm::ValueWriter out;
    EXPECT_THAT(
        guest.other(guest.method("list-keys", out.resource(bucket).present(true).text(cursor))),
        HasSubstr("cursor"));
  }
  wasm::ValueWriter out;
  const Answer answer =
      guest.method("list-keys", out.resource(bucket).present(true).text("18446744073709551615"));
  auto in = answer.reader();
  ASSERT_TRUE(in.present());
  EXPECT_EQ(in.count(), 0U);
}

Answer increment(const KvGuest& guest, const std::string& version, std::uint32_t bucket,
                 std::int64_t delta, std::string_view key = "n") {
  wasm::ValueWriter out;
  out.resource(bucket).text(key).u64(static_cast<std::uint64_t>(delta));
  return guest.call("wasi:keyvalue/atomics@" + version + "#increment", out);
}

TEST_F(KvTest, IncrementCountsInDecimal) {
  const KvGuest guest(api, kDraft2);
  const std::uint32_t bucket = guest.open();
  const auto counted = [&](const std::string& version, std::int64_t delta) {
    const Answer answer = increment(guest, version, bucket, delta);
    auto in = answer.reader();
    EXPECT_TRUE(in.present());
    return static_cast<std::int64_t>(in.u64());
  };
  EXPECT_EQ(counted("0.2.0-draft2", 5), 5);
  EXPECT_EQ(counted("0.2.0-draft2", -8), -3);
  EXPECT_EQ(guest.get(bucket, "n"), "-3");
  guest.set(bucket, "n", "40");
  EXPECT_EQ(counted("0.2.0-draft", 2), 42);
  EXPECT_EQ(guest.get(bucket, "n"), "42");
}

TEST_F(KvTest, IncrementRefusesWhatIsNoNumberAndWhatDoesNotFit) {
  const KvGuest guest(api, kDraft2);
  const std::uint32_t bucket = guest.open();
  guest.set(bucket, "n", "forty");
  EXPECT_THAT(guest.other(increment(guest, "0.2.0-draft2", bucket, 1)), HasSubstr("whole number"));
  guest.set(bucket, "n", "9223372036854775807");
  EXPECT_THAT(guest.other(increment(guest, "0.2.0-draft2", bucket, 1)), HasSubstr("64 bits"));
  EXPECT_EQ(guest.get(bucket, "n"), "9223372036854775807");
}

// Compare-and-swap, as the second draft has it.
class CasTest : public KvTest {
 protected:
  static constexpr const char* kAtomics = "wasi:keyvalue/atomics@0.2.0-draft2#";
  std::uint32_t begin(std::string_view key) const {
    wasm::ValueWriter out;
    return guest.handle(kAtomics + std::string("[static]cas.new"), out.resource(bucket).text(key));
  }
  std::string current(std::uint32_t cas) const {
    const Answer answer =
        guest.call(kAtomics + std::string("[method]cas.current"), handle_argument(cas));
    auto in = answer.reader();
    EXPECT_TRUE(in.present());
    return in.present() ? std::string(as_text(in.bytes())) : "none";
  }
  Answer swap(std::uint32_t cas, std::string_view value) const {
    wasm::ValueWriter out;
    return guest.call(kAtomics + std::string("swap"), out.resource(cas).bytes(as_bytes(value)));
  }

  KvGuest guest{api, kDraft2};
  const std::uint32_t bucket = guest.open();
};

TEST_F(CasTest, SwapsWhatNobodyChanged) {
  const std::uint32_t cas = begin("a");
  EXPECT_EQ(current(cas), "none");
  EXPECT_TRUE(swap(cas, "1").reader().present());
  EXPECT_EQ(guest.get(bucket, "a"), "1");
  EXPECT_EQ(swap(cas, "2").kind, Answer::Kind::trapped) << "it was handed over";
  const std::uint32_t again = begin("a");
  EXPECT_TRUE(swap(again, "2").reader().present());
  EXPECT_EQ(guest.get(bucket, "a"), "2");
}

TEST_F(CasTest, AChangeInBetweenBringsAFreshOne) {
  const std::uint32_t cas = begin("a");
  guest.set(bucket, "a", "somebody's");
  const Answer failed = swap(cas, "mine");
  auto in = failed.reader();
  EXPECT_FALSE(in.present());
  ASSERT_EQ(in.discriminant(), 1U);
  const std::uint32_t fresh = in.resource();
  EXPECT_EQ(guest.get(bucket, "a"), "somebody's");
  EXPECT_EQ(current(fresh), "somebody's");
  EXPECT_TRUE(swap(fresh, "mine").reader().present());
  EXPECT_EQ(guest.get(bucket, "a"), "mine");
}

TEST_F(CasTest, AnEmptyValueIsNotAnAbsentOne) {
  const std::uint32_t cas = begin("a");
  guest.set(bucket, "a", "");
  EXPECT_FALSE(swap(cas, "x").reader().present());
}

TEST_F(CasTest, AStoresErrorHasItsOwnCase) {
  const Answer answer = swap(begin("a"), std::string((1U << 20U) + 1, 'x'));
  auto in = answer.reader();
  EXPECT_FALSE(in.present());
  EXPECT_EQ(in.discriminant(), 0U);
  EXPECT_EQ(in.discriminant(), 2U);
  EXPECT_THAT(std::string(in.text()), HasSubstr("1 MiB"));
  EXPECT_EQ(swap(bucket, "x").kind, Answer::Kind::trapped) << "a bucket is no cas";
}

TEST_F(KvTest, BatchesOfBothDrafts) {
  const KvGuest guest(api, kDraft2);
  const std::uint32_t bucket = guest.open();
  fill(guest, bucket, 3);
  wasm::ValueWriter keys;
  keys.resource(bucket).count(2).text("key 1").text("absent");
  const Answer draft2 = guest.call("wasi:keyvalue/batch@0.2.0-draft2#get-many", keys);
  auto in = draft2.reader();
  ASSERT_TRUE(in.present());
  ASSERT_EQ(in.count(), 2U);
  EXPECT_EQ(in.text(), "key 1");
  ASSERT_TRUE(in.present());
  EXPECT_EQ(as_text(in.bytes()), "x");
  EXPECT_EQ(in.text(), "absent");
  EXPECT_FALSE(in.present());
  const Answer draft = guest.call("wasi:keyvalue/batch@0.2.0-draft#get-many", keys);
  auto old = draft.reader();
  ASSERT_TRUE(old.present());
  ASSERT_EQ(old.count(), 2U);
  ASSERT_TRUE(old.present());
  EXPECT_EQ(old.text(), "key 1");
  EXPECT_EQ(as_text(old.bytes()), "x");
  EXPECT_FALSE(old.present());
  EXPECT_TRUE(guest.call("wasi:keyvalue/batch@0.2.0-draft#delete-many", keys).reader().present());
  EXPECT_FALSE(guest.exists(bucket, "key 1"));
  EXPECT_TRUE(guest.exists(bucket, "key 2"));
}

TEST_F(KvTest, BatchesAreBounded) {
  const KvGuest guest(api, kDraft2);
  const std::uint32_t bucket = guest.open();
  wasm::ValueWriter many;
  many.resource(bucket).count(1001);
  for (int i = 0; i < 1001; ++i) many.text("k");
  for (const char* name : {"get-many", "delete-many"}) {
    EXPECT_THAT(
        guest.other(guest.call(std::string("wasi:keyvalue/batch@0.2.0-draft2#") + name, many)),
        HasSubstr("1000 entries"));
  }
  guest.set(bucket, "big", std::string(1U << 20U, 'x'));
  wasm::ValueWriter big;
  big.resource(bucket).count(3).text("big").text("big").text("big");
  EXPECT_THAT(guest.other(guest.call("wasi:keyvalue/batch@0.2.0-draft2#get-many", big)),
              HasSubstr("2 MiB together"));
}

TEST_F(KvTest, OpenBucketsAreBoundedByTheManifest) {
  Grants few = store_grants();
  few.limits.handles = 2;
  const KvGuest guest(api, kSpin, few);
  guest.open();
  guest.open();
  EXPECT_THAT(guest.try_open("default").trap, HasSubstr("limits.handles"));
}

}  // namespace
}  // namespace quern::guestapi
