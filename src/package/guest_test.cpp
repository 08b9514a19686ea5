// What needs components that the toolchain made: guests/model and guests/probe.
#include "package/card_layout.hpp"
#include "package/test_wasm.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quern::package {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

TEST(Pack, TheModelOffersWhatItUses) {
  const auto seen = outline(test::model_guest());
  ASSERT_TRUE(seen.ok()) << seen.error().describe();
  EXPECT_EQ(seen->kind, Outline::Kind::component);
  EXPECT_THAT(seen->imports, UnorderedElementsAre("quern:llm/types@0.1.0", "wasi:io/poll@0.2.12",
                                                  "quern:llm/inference@0.1.0"));
  EXPECT_THAT(seen->exports, ElementsAre("quern:llm/inference@0.1.0"));
  EXPECT_TRUE(seen->cards.empty());
  EXPECT_TRUE(is_model(*seen));
}

TEST(Pack, TheCardIsInTheDataAndInASection) {
  const ModelCard card = test::card();
  const auto packed = pack(test::model_guest(), card);
  ASSERT_TRUE(packed.ok()) << packed.error().describe();
  const auto seen = outline(*packed);
  ASSERT_TRUE(seen.ok()) << seen.error().describe();
  ASSERT_EQ(seen->cards.size(), 1U);
  EXPECT_EQ(seen->cards[0].name, card.name);
  EXPECT_EQ(seen->cards[0].system, card.system);
  EXPECT_EQ(seen->cards[0].weights.digest, card.weights.digest);
  EXPECT_EQ(seen->cards[0].weights.size, card.weights.size);
  EXPECT_EQ(seen->cards[0].weights.licence, card.weights.licence);
  const std::string text = card.name + card.weights.digest + card.system;
  const std::size_t mark = as_text(*packed).find(kCardMark);
  EXPECT_EQ(as_text(*packed).substr(mark + 52, text.size()), text);
  // The same card gives the same bytes, and so the same digest.
  EXPECT_EQ(*pack(test::model_guest(), card), *packed);
}

TEST(Pack, RefusesWhatCannotBe) {
  const Buffer guest = test::model_guest();
  const auto refusal = [&](auto change) {
    ModelCard card = test::card();
    change(card);
    const auto packed = pack(guest, card);
    return packed.ok() ? std::string() : packed.error().describe();
  };
  EXPECT_THAT(refusal([](ModelCard& c) { c.name = "a b"; }), HasSubstr("no name for a model"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.name = "../b"; }), HasSubstr("no name for a model"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.name = ""; }), HasSubstr("no name for a model"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.name = "default"; }), HasSubstr("no name for a model"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.weights.digest = "sha256:1"; }), HasSubstr("digest"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.system = "\xff"; }), HasSubstr("not UTF-8"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.weights.licence = "\x1b[31m"; }),
              HasSubstr("no plain text"));
  EXPECT_THAT(refusal([](ModelCard& c) { c.system = std::string(33000, 'x'); }),
              HasSubstr("at most 32 KiB"));
  const auto nothing = pack(test::probe_guest(), test::card());
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().kind(), ErrorKind::corrupt_data);
}

TEST(Compose, TheAppsImportIsMetByTheModel) {
  const Buffer model = *pack(test::model_guest(), test::card());
  const Buffer app = test::probe_guest();
  const auto whole = compose({.app = app, .model = model});
  ASSERT_TRUE(whole.ok()) << whole.error().describe();
  const auto before = outline(app);
  const auto after = outline(*whole);
  ASSERT_TRUE(after.ok()) << after.error().describe();
  EXPECT_EQ(after->exports, before->exports);
  // Each import once, in whatever order.
  EXPECT_THAT(after->imports, ::testing::UnorderedElementsAreArray(before->imports));
  ASSERT_EQ(after->cards.size(), 1U);
  EXPECT_EQ(after->cards[0].name, "acme/analyst");
  EXPECT_THAT(grants_for(*after), ElementsAre(HasSubstr(test::card().weights.digest)));
}

TEST(Compose, RefusesWhatIsNoAppAndNoModel) {
  const Buffer model = *pack(test::model_guest(), test::card());
  const Buffer app = test::probe_guest();
  const auto no_model = compose({.app = app, .model = app});
  ASSERT_FALSE(no_model.ok());
  EXPECT_THAT(no_model.error().describe(), HasSubstr("not made by quern pack"));
  const auto cut = compose({.app = ByteView(app).first(app.size() / 2), .model = model});
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().kind(), ErrorKind::corrupt_data);
}

// Every prefix of a real component, and every byte of its beginning changed: an error or an
// outline, never more.
TEST(Outline, DamagedComponentsEndInAnErrorOrAnOutline) {
  Buffer wasm = *pack(test::model_guest(), test::card());
  for (std::size_t size = 0; size < wasm.size(); size += 1 + size / 64) {
    (void)outline(ByteView(wasm).first(size)).ok();
  }
  const Buffer app = test::probe_guest();
  for (std::size_t at = 0; at < 4000 && at < wasm.size(); ++at) {
    const std::byte before = wasm[at];
    wasm[at] = static_cast<std::byte>(static_cast<unsigned>(before) ^ (1U << (at % 8)));
    (void)compose({.app = app, .model = wasm}).ok();
    wasm[at] = before;
  }
}

}  // namespace
}  // namespace quern::package
