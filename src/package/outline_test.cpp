#include "package/model_card.hpp"
#include "package/package.hpp"
#include "package/test_wasm.hpp"
#include "package/wasm_binary.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace quern::package {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Buffer module_with(const WasmWriter& imports, const WasmWriter& exports) {
  WasmWriter out;
  out.raw(component_preamble().first(4)).byte(1).byte(0).byte(0).byte(0);
  return out.section(2, imports).section(7, exports).take();
}

TEST(Outline, ReadsAModule) {
  WasmWriter imports;
  imports.u32(4);
  imports.name("wasi_snapshot_preview1").name("fd_write").byte(0).u32(3);
  imports.name("env").name("memory").byte(2).byte(1).u32(1).u32(70000);
  imports.name("env").name("table").byte(1).byte(0x70).byte(0).u32(1);
  imports.name("env").name("base").byte(3).byte(0x7f).byte(0);
  WasmWriter exports;
  exports.u32(1).name("_start").byte(0).u32(0);
  const auto seen = outline(module_with(imports, exports));
  ASSERT_TRUE(seen.ok()) << seen.error().describe();
  EXPECT_EQ(seen->kind, Outline::Kind::module);
  EXPECT_THAT(seen->imports, ElementsAre("wasi_snapshot_preview1.fd_write", "env.memory",
                                         "env.table", "env.base"));
  EXPECT_THAT(seen->exports, ElementsAre("_start"));
}

TEST(Outline, SaysWhatIsNoWebAssembly) {
  EXPECT_EQ(outline(as_bytes("")).error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(outline(as_bytes("#!/bin/sh\n")).error().kind(), ErrorKind::corrupt_data);
  EXPECT_THAT(outline(as_bytes(std::string_view("\0asm\x09\0\0\0", 8))).error().describe(),
              HasSubstr("not known here"));
}

TEST(Outline, ACountOfBillionsCostsNothing) {
  WasmWriter imports;
  imports.u32(0xffffffffU);
  const auto seen = outline(module_with(imports, WasmWriter().u32(0)));
  ASSERT_FALSE(seen.ok());
  EXPECT_EQ(seen.error().kind(), ErrorKind::corrupt_data);
}

TEST(Outline, NamesHaveABound) {
  const auto exporting = [](std::uint32_t names) {
    WasmWriter exports;
    exports.u32(names);
    for (std::uint32_t i = 0; i < names; ++i) exports.name("").byte(0).u32(0);
    WasmWriter imports;
    imports.u32(1).name("m").name("f").byte(0).u32(0);
    return outline(module_with(imports, exports));
  };
  EXPECT_TRUE(exporting(65'535).ok());
  const auto refused = exporting(65'536);
  ASSERT_FALSE(refused.ok()) << "an import and 65,536 exports";
  EXPECT_EQ(refused.error().kind(), ErrorKind::corrupt_data);
  EXPECT_THAT(refused.error().describe(), HasSubstr("65536"));

  const auto named = [](std::size_t bytes) {
    WasmWriter exports;
    exports.u32(1).name(std::string(bytes, 'n')).byte(0).u32(0);
    return outline(module_with(WasmWriter().u32(0), exports));
  };
  EXPECT_TRUE(named(100'000).ok());
  EXPECT_EQ(named(100'001).error().kind(), ErrorKind::corrupt_data);

  WasmWriter components;
  components.u32(65'537);
  for (std::uint32_t i = 0; i < 65'537; ++i) components.byte(0).name("").byte(1).u32(0).byte(0);
  WasmWriter out;
  out.raw(component_preamble()).section(section::kExport, components);
  EXPECT_EQ(outline(out.bytes()).error().kind(), ErrorKind::corrupt_data);
}

TEST(Outline, ComponentsInComponentsHaveABottom) {
  Buffer wasm(component_preamble().begin(), component_preamble().end());
  for (int i = 0; i < 40; ++i) {
    WasmWriter out;
    wasm = out.raw(component_preamble()).byte(section::kComponent).block(wasm).take();
  }
  EXPECT_EQ(outline(wasm).error().kind(), ErrorKind::corrupt_data);
}

TEST(GrantsFor, EveryKeyOfTheManifestThatAnImportNeeds) {
  const auto keys = [](std::vector<std::string> imports) {
    std::vector<std::string> found;
    for (const std::string& line : grants_for({.imports = std::move(imports)})) {
      found.push_back(line.substr(0, line.find(':')));
    }
    return found;
  };
  const auto none = std::vector<std::string>();
  EXPECT_EQ(keys({"wasi:io/poll@0.2.0", "wasi:cli/stdout@0.2.0", "wasi:http/types@0.2.0"}), none);
  EXPECT_EQ(keys({"wasi_ephemeral_nn.compute", "wasi_snapshot_preview1.fd_write"}), none);
  for (const char* store : {"fermyon:spin/key-value@2.0.0", "wasi:keyvalue/store@0.2.0-draft2"}) {
    EXPECT_THAT(keys({store, "wasi:keyvalue/atomics@0.2.0-draft2"}), ElementsAre("stores"));
  }
  EXPECT_THAT(keys({"fermyon:spin/variables@2.0.0"}), ElementsAre("config"));
  EXPECT_THAT(keys({"wasi:config/store@0.2.0-rc.1"}), ElementsAre("config"));
  EXPECT_THAT(keys({"fermyon:spin/llm@2.0.0"}), ElementsAre("models"));
  EXPECT_THAT(keys({"fermyon:spin/llm@2.0.0", "quern:llm/inference@0.1.0"}), ElementsAre("models"));
  EXPECT_THAT(keys({"wasi:nn/graph@0.2.0-rc-2024-10-28"}), ElementsAre("graphs", "models"));
  EXPECT_THAT(keys({"wasi_ephemeral_nn.load"}), ElementsAre("graphs"));
  EXPECT_THAT(keys({"wasi_ephemeral_nn.load_by_name"}), ElementsAre("models"));
  EXPECT_THAT(keys({"wasi_ephemeral_nn.load_by_name_with_config"}), ElementsAre("models"));
  EXPECT_THAT(keys({"wasi:http/outgoing-handler@0.2.0", "wasi:filesystem/preopens@0.2.0",
                    "wasi:cli/environment@0.2.0", "wasi:sockets/udp@0.2.0"}),
              ElementsAre("files", "env", "net"));
}

// A component that offers `exported` and imports it and `more`, none with a function in it.
Buffer component_with(const std::string& exported, const std::string& more) {
  WasmWriter types;
  types.u32(1).byte(0x42).u32(0);
  WasmWriter imports;
  imports.u32(2);
  for (const std::string& name : {exported, more}) {
    imports.byte(0).name(name).byte(sort::kInstance).u32(0);
  }
  WasmWriter exports;
  exports.u32(1).byte(0).name(exported).byte(sort::kInstance).u32(0).byte(0);
  WasmWriter out;
  out.raw(component_preamble()).section(section::kType, types);
  return out.section(section::kImport, imports).section(section::kExport, exports).take();
}

TEST(Compose, AModelSharesInNothingThatTheAppIsGranted) {
  const std::string llm = "quern:llm/inference@0.1.0";
  const Buffer app = component_with(llm, "wasi:sockets/tcp@0.2.0");
  const auto fine =
      compose({.app = app, .model = component_with(llm, "wasi:clocks/wall-clock@0.2.0")});
  ASSERT_TRUE(fine.ok()) << fine.error().describe();
  for (const char* greedy : {"wasi:sockets/tcp@0.2.0", "wasi:http/outgoing-handler@0.2.0",
                             "wasi:filesystem/types@0.2.0", "wasi:cli/environment@0.2.0"}) {
    const auto refused = compose({.app = app, .model = component_with(llm, greedy)});
    ASSERT_FALSE(refused.ok()) << greedy;
    EXPECT_EQ(refused.error().kind(), ErrorKind::permission_denied);
    EXPECT_THAT(refused.error().describe(), HasSubstr(greedy));
  }
}

TEST(WasmReader, NumbersRoundTrip) {
  for (const std::uint32_t number :
       {0U, 1U, 63U, 64U, 127U, 128U, 300U, 0x7fffffffU, 0xffffffffU}) {
    WasmWriter out;
    out.u32(number).s33(number);
    WasmReader in(out.bytes());
    EXPECT_EQ(*in.u32(), number);
    EXPECT_EQ(*in.s33(), number);
    EXPECT_TRUE(in.is_done());
  }
  for (const std::int64_t number : {-1, -13, -64}) {
    WasmWriter out;
    out.s33(number);
    WasmReader in(out.bytes());
    EXPECT_EQ(*in.s33(), number);
  }
  const std::string_view endless("\x80\x80\x80\x80\x80\x80\x80", 7);
  EXPECT_FALSE(WasmReader(as_bytes(endless)).u32().ok());
  EXPECT_FALSE(WasmReader(as_bytes(endless)).s33().ok());
}

TEST(ModelCard, HasABoundBeforeItIsRead) {
  ModelCard card = test::card();
  card.system = std::string(30'000, '\x01');  // six bytes each as JSON
  const std::string json = card_to_json(card);
  EXPECT_TRUE(card_from_json(json).ok());
  const auto refused = card_from_json(json + std::string(256 << 10, ' '));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::corrupt_data);
}

TEST(ModelCard, RoundTripsAndIsChecked) {
  ModelCard card = test::card();
  card.system = "Say \"no\"\nand nothing else. \xe2\x9c\x93";
  const auto read = card_from_json(card_to_json(card));
  ASSERT_TRUE(read.ok()) << read.error().describe();
  EXPECT_EQ(read->system, card.system);
  card.weights.name =
      "a\xc2\x9b"
      "31m";
  EXPECT_EQ(card_from_json(card_to_json(card)).error().kind(), ErrorKind::corrupt_data);
  card = test::card();
  card.weights.digest = "sha256:0";
  EXPECT_EQ(card_from_json(card_to_json(card)).error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(card_from_json("{\"name\":7}").error().kind(), ErrorKind::corrupt_data);
}

TEST(ModelCard, AdaptersAreOnItAndInItsDigest) {
  ModelCard card = test::card();
  EXPECT_EQ(model_digest(card), card.weights.digest);
  card.adapters.push_back({.file = card.weights, .scale = 0.1F});
  card.adapters[0].file.digest.back() = 'b';
  const auto read = card_from_json(card_to_json(card));
  ASSERT_TRUE(read.ok()) << read.error().describe();
  EXPECT_EQ(read->adapters.size(), 1U);
  EXPECT_EQ(model_digest(*read), model_digest(card)) << "a scale is the same after JSON";
  EXPECT_EQ(to_string(read->adapters[0]), card.adapters[0].file.digest + "=0.1");
  EXPECT_EQ(files_of(card).size(), 2U);
  card.adapters[0].scale = 0.2F;
  EXPECT_NE(model_digest(*read), model_digest(card));
  for (const float wrong : {0.F, NAN}) {
    card.adapters[0].scale = wrong;
    EXPECT_EQ(card_from_json(card_to_json(card)).error().kind(), ErrorKind::corrupt_data);
  }
  card.adapters[0].scale = 1;
  card.adapters.resize(17, card.adapters[0]);
  EXPECT_EQ(card_from_json(card_to_json(card)).error().kind(), ErrorKind::corrupt_data);
}

}  // namespace
}  // namespace quern::package
