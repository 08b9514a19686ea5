#include "loader/loader.hpp"

#include "base/fakes.hpp"
#include "base/sha256.hpp"

#include "package/card_layout.hpp"
#include <gtest/gtest.h>

namespace quern::loader {
namespace {

using package::ModelCard;

const std::string kWeights = "GGUF" + std::string(5000, 'w');
const std::string kDigest = sha256(as_bytes(kWeights));

// A component as its first reader sees it: it exports the interface of models, and has a place for
// a card in it.
Buffer model_guest() {
  const std::string name = "quern:llm/inference@0.1.0";
  std::string wasm("\0asm\x0d\0\1\0", 8);
  wasm += "\x0b";
  wasm += static_cast<char>(name.size() + 6);
  wasm += std::string("\1\0", 2) + static_cast<char>(name.size()) + name + std::string("\5\0\0", 3);
  std::string place(package::kCardMark);
  place.resize(sizeof(package::CardLayout), '\0');
  const std::size_t size = place.size() + 5;
  wasm += std::string("\0", 1) + static_cast<char>((size & 0x7fU) | 0x80U) +
          static_cast<char>(((size >> 7U) & 0x7fU) | 0x80U) + static_cast<char>(size >> 14U);
  return to_buffer(wasm + "\4data" + place);
}

ModelCard card() {
  return {
      .name = "acme/analyst",
      .system = "Answer in one word.",
      .weights = {
          .digest = kDigest, .size = Bytes{kWeights.size()}, .name = "small", .licence = "MIT"}};
}

class Loader : public ::testing::Test {
 protected:
  Loader() {
    EXPECT_TRUE(files_.make_directories("/packs", 0755).ok());
    EXPECT_TRUE(files_.write("/packs/analyst.wasm", pack_).ok());
  }
  Result<Found> get(std::string_view reference) {
    return find(reference, {catalog_, network_, files_, process_}, {}, {});
  }
  // A registry at 127.0.0.1:5000 that has the pack; its weights where `with_weights`.
  void serve(bool with_weights, const std::string& sign_in = {}) {
    const std::string digest = sha256(pack_);
    const auto layer = [](const std::string& type, const std::string& of, std::size_t size) {
      return R"({"mediaType":")" + type + R"(","digest":")" + of + R"(","size":)" +
             std::to_string(size) + "}";
    };
    std::string layers = layer("application/wasm", digest, pack_.size());
    if (with_weights) {
      layers += "," + layer(std::string(package::media::kWeights), kDigest, kWeights.size());
    }
    const std::string manifest = R"({"schemaVersion":2,"config":)" + layer("x", digest, 2) +
                                 R"(,"layers":[)" + layers + "]}";
    network_.answer_sent([=, this](const SendRequest& request, const std::string& /*body*/) {
      SendAnswer answer{.status = 404, .url = request.url};
      const bool known =
          sign_in.empty() || (!request.headers.empty() && request.headers.back().second == sign_in);
      if (!known) {
        answer.status = 401;
        answer.authenticate = "Basic realm=\"x\"";
      } else if (request.url == address_ + "manifests/1") {
        answer = {.status = 200, .url = request.url, .body = manifest};
      } else if (request.url == address_ + "blobs/" + digest) {
        answer = {.status = 200, .url = request.url, .body = std::string(as_text(sent_))};
      }
      return Result<SendAnswer>(std::move(answer));
    });
    network_.set(address_ + "blobs/" + kDigest, {.body = kWeights});
  }

  const std::string address_ = "http://127.0.0.1:5000/v2/acme/analyst/";
  const std::string reference_ = "127.0.0.1:5000/acme/analyst:1";
  const Buffer pack_ = *package::pack(model_guest(), card());
  Buffer sent_ = pack_;  // what the registry sends for it
  FakeFiles files_;
  FakeNetwork network_;
  ManualClock clock_;
  FakeProcess process_;
  catalog::Catalog catalog_{{.store = "/store"}, network_, {files_, clock_, process_}};
};

TEST_F(Loader, TellsPacksFromWeights) {
  ASSERT_TRUE(files_.make_directories("local.d", 0755).ok());
  ASSERT_TRUE(files_.write("local.d/model", as_bytes(kWeights)).ok());
  for (const char* const pack : {"analyst.wasm", "/no/analyst.wasm", "ghcr.io/acme/analyst",
                                 "localhost:5000/a@sha256:00", "127.0.0.1:5000/acme/analyst:1"}) {
    const bool cut = std::string_view(pack).ends_with("00");
    EXPECT_EQ(names_pack(pack, files_), !cut) << pack;
  }
  for (const char* const weights :
       {"gemma", "acme/analyst", "hub:owner/repo", "hub:owner/repo/file.gguf", "pypi:a==1/b",
        "https://example.com/a.gguf", "my.models/a.gguf", "local.d/model", "./a.gguf"}) {
    EXPECT_FALSE(names_pack(weights, files_)) << weights;
  }
}

TEST_F(Loader, FindsAPacksWeightsByTheirDigest) {
  auto nowhere = get("/packs/analyst.wasm");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().kind(), ErrorKind::not_found);
  EXPECT_NE(nowhere.error().describe().find(kDigest), std::string::npos);
  EXPECT_NE(nowhere.error().describe().find("small.gguf"), std::string::npos);
  // The right size is not enough.
  std::string other = kWeights;
  other.back() = 'x';
  ASSERT_TRUE(files_.write("/packs/a.gguf", as_bytes(other)).ok());
  EXPECT_EQ(get("/packs/analyst.wasm").error().kind(), ErrorKind::not_found);
  ASSERT_TRUE(files_.write("/packs/b.gguf", as_bytes(kWeights)).ok());
  const auto beside = get("/packs/analyst.wasm");
  ASSERT_TRUE(beside.ok()) << beside.error().describe();
  EXPECT_EQ(beside->weights.path, "/packs/b.gguf");
  EXPECT_EQ(beside->weights.digest, kDigest);
  EXPECT_EQ(beside->pack->card.name, "acme/analyst");
  // The store comes first.
  ASSERT_TRUE(catalog_.keep("/packs/b.gguf", {}).ok());
  EXPECT_NE(get("/packs/analyst.wasm")->weights.path, "/packs/b.gguf");
}

TEST_F(Loader, SaysWhatIsNoPack) {
  ASSERT_TRUE(files_.write("/plain.wasm", model_guest()).ok());
  EXPECT_EQ(get("/plain.wasm").error().kind(), ErrorKind::invalid_argument);
  ASSERT_TRUE(files_.write("/text.wasm", as_bytes("hello")).ok());
  EXPECT_EQ(get("/text.wasm").error().kind(), ErrorKind::corrupt_data);
  EXPECT_EQ(get("/absent.wasm").error().kind(), ErrorKind::not_found);
  const auto bare = get("acme/analyst");
  EXPECT_EQ(bare.error().kind(), ErrorKind::not_found);
  EXPECT_NE(bare.error().describe().find("REGISTRY/acme/analyst"), std::string::npos);
  EXPECT_EQ(get("/acme/analyst").error().describe().find("REGISTRY"), std::string::npos);
}

TEST_F(Loader, PullsFromARegistryWithTheWeightsOnce) {
  process_.environment["HOME"] = "/home";
  ASSERT_TRUE(files_.make_directories("/home/.docker", 0700).ok());
  ASSERT_TRUE(files_
                  .write("/home/.docker/config.json",
                         as_bytes(R"({"auths":{"127.0.0.1:5000":{"auth":"dTpw"}}})"))
                  .ok());
  serve(true, "Basic dTpw");
  const auto pulled = get(reference_);
  ASSERT_TRUE(pulled.ok()) << pulled.error().describe();
  EXPECT_EQ(pulled->weights.digest, kDigest);
  EXPECT_EQ(pulled->pack->card.system, "Answer in one word.");
  ASSERT_EQ(network_.requests().size(), 1U);
  EXPECT_EQ(network_.requests()[0].headers.at(0).second, "Basic dTpw");
  ASSERT_TRUE(get(reference_).ok());
  EXPECT_EQ(network_.requests().size(), 1U) << "weights that are here are not fetched";
  process_.environment.clear();
  EXPECT_EQ(get(reference_).error().kind(), ErrorKind::permission_denied);
}

TEST_F(Loader, BelievesARegistryNothing) {
  serve(true);
  sent_[100] ^= std::byte{1};
  EXPECT_EQ(get(reference_).error().kind(), ErrorKind::corrupt_data);
  sent_ = pack_;
  std::string other = kWeights;
  other.back() = 'x';
  network_.set(address_ + "blobs/" + kDigest, {.body = other});
  EXPECT_EQ(get(reference_).error().kind(), ErrorKind::corrupt_data);
  serve(false);
  const auto without = get(reference_);
  EXPECT_EQ(without.error().kind(), ErrorKind::not_found);
  EXPECT_NE(without.error().describe().find("comes without its weights"), std::string::npos);
}

TEST_F(Loader, APacksModelSaysItsTextFirst) {
  ASSERT_TRUE(files_.write("/packs/b.gguf", as_bytes(kWeights)).ok());
  const auto engine =
      inference::make_fake_engine("other", {{.when = "", .events = {inference::Content{"yes"}}}});
  const auto model = open(*engine, *get("/packs/analyst.wasm"));
  ASSERT_TRUE(model.ok()) << model.error().describe();
  EXPECT_EQ((*model)->info().name, "acme/analyst");
  EXPECT_EQ((*model)->info().digest, kDigest);
  using inference::Message;
  using inference::Role;
  const auto words = [&](std::vector<Message> messages) {
    const inference::ChatRequest request{.messages = std::move(messages)};
    auto generation = (*model)->chat(request, {});
    const auto events = (*generation)->read();
    const auto& finished = std::get<inference::Finished>(events->back());
    EXPECT_EQ(*(*model)->count_tokens(request), finished.usage.prompt_tokens);
    return finished.usage.prompt_tokens;
  };
  const auto bare = engine->find("b").value();
  const auto bare_words = [&](std::vector<Message> messages) {
    return *bare->count_tokens({.messages = std::move(messages)});
  };
  const Message hello{.role = Role::user, .text = "Hello"};
  EXPECT_EQ(words({hello}),
            bare_words({{.role = Role::system, .text = "Answer in one word."}, hello}));
  EXPECT_EQ(
      words({{.role = Role::developer, .text = "Be brief."}, hello}),
      bare_words({{.role = Role::developer, .text = "Answer in one word.\n\nBe brief."}, hello}));
  // The weights are loaded once, whatever stands before them.
  ASSERT_TRUE(open(*engine, *get("/packs/analyst.wasm")).ok());
  ASSERT_TRUE(open(*engine, {.weights = get("/packs/analyst.wasm")->weights, .pack = {}}).ok());
  EXPECT_EQ(engine->models().size(), 2U);
}

TEST_F(Loader, AdaptersMakeAnotherModel) {
  const std::string adapter = "GGUF" + std::string(300, 'a');
  ModelCard adapted = card();
  adapted.adapters.push_back({.file = {.digest = sha256(as_bytes(adapter)),
                                       .size = Bytes{adapter.size()},
                                       .name = "tilt",
                                       .licence = {}},
                              .scale = 0.5F});
  const Buffer pack = *package::pack(model_guest(), adapted);
  ASSERT_TRUE(files_.write("/packs/tilted.wasm", pack).ok());
  ASSERT_TRUE(files_.write("/packs/b.gguf", as_bytes(kWeights)).ok());
  const auto without = get("/packs/tilted.wasm");
  EXPECT_EQ(without.error().kind(), ErrorKind::not_found) << "half of what it means";
  ASSERT_TRUE(files_.write("/packs/a.gguf", as_bytes(adapter)).ok());
  const auto found = get("/packs/tilted.wasm");
  ASSERT_TRUE(found.ok()) << found.error().describe();
  ASSERT_EQ(found->adapters.size(), 1U);
  EXPECT_EQ(found->adapters[0].file.path, "/packs/a.gguf");
  EXPECT_EQ(found->adapters[0].scale, 0.5F);
  EXPECT_EQ(digest_of(*found), package::model_digest(adapted));
  EXPECT_NE(digest_of(*found), kDigest);

  const auto engine = inference::make_fake_engine("other", {});
  EXPECT_EQ(open(*engine, *found).value()->info().digest, digest_of(*found));
  ASSERT_TRUE(open(*engine, *get("/packs/analyst.wasm")).ok());
  EXPECT_EQ(engine->find("b").value()->info().digest, kDigest);
  EXPECT_EQ(engine->find("b+a").value()->info().digest, digest_of(*found));
  // By hand the same adapter gives the same model, and another scale another.
  const auto by_hand = find_adapter("/packs/a.gguf", 0.5F, catalog_, {});
  ASSERT_TRUE(by_hand.ok()) << by_hand.error().describe();
  Found plain{.weights = found->weights, .adapters = {*by_hand}, .pack = {}};
  EXPECT_EQ(digest_of(plain), digest_of(*found));
  plain.adapters[0].scale = 1;
  EXPECT_NE(digest_of(plain), digest_of(*found));
}

TEST_F(Loader, AFileOfTheSameNameIsAnotherModel) {
  ASSERT_TRUE(files_.write("/packs/b.gguf", as_bytes(kWeights)).ok());
  const auto engine = inference::make_fake_engine("b", {});
  const auto model = open(*engine, *get("/packs/analyst.wasm"));
  ASSERT_TRUE(model.ok());
  EXPECT_EQ((*model)->info().digest, kDigest);
  EXPECT_TRUE(engine->find(kDigest).ok());
  ASSERT_TRUE(open(*engine, *get("/packs/analyst.wasm")).ok());
  EXPECT_EQ(engine->models().size(), 2U);
}

TEST_F(Loader, PlainFilesOfOneNameAreTwoModels) {
  const auto engine = inference::make_fake_engine("other", {});
  FileNames names;
  const auto load = [&](const char* path) {
    Found found{.weights = {.name = "small", .path = path}, .adapters = {}, .pack = {}};
    found.weights.name = names.of(found.weights);
    return open(*engine, found).value()->info().name;
  };
  EXPECT_EQ(load("/one/small.gguf"), "small");
  EXPECT_EQ(load("/two/small.gguf"), "/two/small.gguf");
  EXPECT_EQ(load("/one/../one/small.gguf"), "small");
  EXPECT_EQ(load("/two/small.gguf"), "/two/small.gguf");
  EXPECT_EQ(engine->models().size(), 3U);
}

TEST_F(Loader, APlainFileIsNotTheCatalogsModelOfItsName) {
  const auto engine = inference::make_fake_engine("other", {});
  const Found known{.weights = {.name = "small", .path = "/a/small.gguf", .digest = kDigest},
                    .adapters = {},
                    .pack = {}};
  ASSERT_TRUE(open(*engine, known).ok());
  const Found plain{
      .weights = {.name = "small", .path = "/b/small.gguf"}, .adapters = {}, .pack = {}};
  EXPECT_EQ(open(*engine, plain).value()->info().name, "/b/small.gguf");
}

// The host speaks for a pack only where its code would say the same.
TEST_F(Loader, AModelWithCodeOfItsOwnIsNotSpokenFor) {
  ASSERT_TRUE(files_.write("/packs/b.gguf", as_bytes(kWeights)).ok());
  Buffer own = pack_;
  const std::size_t at = as_text(own).find("Answer in one word.");
  own[at] = std::byte{'a'};
  ASSERT_TRUE(files_.write("/packs/own.wasm", own).ok());
  const auto engine = inference::make_fake_engine("other", {});
  const auto found = get("/packs/own.wasm");
  ASSERT_TRUE(found.ok()) << found.error().describe();
  EXPECT_EQ(open(*engine, *found).error().kind(), ErrorKind::unsupported);
}

}  // namespace
}  // namespace quern::loader
