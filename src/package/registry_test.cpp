// A registry in memory, honest and otherwise.
#include "package/registry.hpp"

#include "base/base64.hpp"
#include "base/fakes.hpp"
#include "base/sha256.hpp"

#include "package/docker_config.hpp"
#include "package/model_card.hpp"
#include "package/oci_manifest.hpp"
#include "package/signature.hpp"
#include "package/test_keys.hpp"
#include "package/test_tar.hpp"
#include "package/test_wasm.hpp"
#include "package/wasm_binary.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

namespace quern::package {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kModule("\0asm\1\0\0\0", 8);

// Speaks the distribution protocol for one repository.
class FakeRegistry {
 public:
  explicit FakeRegistry(std::string host = "http://localhost:5000") : host_(std::move(host)) {
    network.answer_sent(
        [this](const SendRequest& request, const std::string& body) -> Result<SendAnswer> {
          calls.push_back(request.method + " " + request.url);
          if (auto refusal = check(request)) return *refusal;
          return answer(request, body);
        });
  }

  FakeNetwork network;
  std::map<std::string, std::string> blobs;      // by digest
  std::map<std::string, std::string> manifests;  // by tag or digest
  std::vector<std::string> calls;
  std::string challenge;  // what is asked of those who are not signed in
  std::string wanted;     // the Authorization that is let in
  std::string token;
  bool scoped = false;  // a token is for what it was asked for, and reading does not write
  std::string upload_to = "/v2/acme/a/blobs/uploads/1?state=x";

  std::string add(std::string content) {
    const std::string digest = sha256(as_bytes(content));
    blobs[digest] = std::move(content);
    return digest;
  }

 private:
  static std::string header(const SendRequest& request, std::string_view name) {
    for (const auto& [key, value] : request.headers) {
      if (key == name) return value;
    }
    return {};
  }

  std::optional<SendAnswer> check(const SendRequest& request) const {
    const bool own = request.url.starts_with(host_);
    const std::string given = header(request, "Authorization");
    if (!own) {
      if (request.url.starts_with("https://auth.test/") || request.url.find("/token?") < 40) {
        const std::string scope = request.url.substr(request.url.find("&scope=") + 7);
        if (scoped) {
          return SendAnswer{
              .status = 200, .url = request.url, .body = "{\"token\":\"" + scope + "\"}"};
        }
        return SendAnswer{
            .status = 200, .url = request.url, .body = "{\"token\":\"" + token + "\"}"};
      }
      EXPECT_EQ(given, "") << request.url;
      return {};
    }
    if (scoped) return check_scope(request, given);
    if (wanted.empty() || given == wanted) return {};
    return SendAnswer{.status = 401, .url = request.url, .authenticate = challenge};
  }

  static std::optional<SendAnswer> check_scope(const SendRequest& request,
                                               const std::string& given) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    const std::string action = reads ? "pull" : "push";
    if (given.find(action) != std::string::npos) return {};
    return SendAnswer{.status = 401,
                      .url = request.url,
                      .authenticate =
                          "Bearer realm=\"https://auth.test/token\",service=\"reg\","
                          "scope=\"repository:acme/a:" +
                          (reads ? action : "pull,push") + "\""};
  }

  SendAnswer answer(const SendRequest& request, const std::string& body) {
    SendAnswer done{.status = 404, .url = request.url, .body = {}};
    const std::string& url = request.url;
    const std::string last = url.substr(url.rfind('/') + 1);
    if (request.method == "POST") {
      done.status = 202;
      done.location = upload_to;
    } else if (request.method == "PUT" && url.find("digest=") != std::string::npos) {
      blobs[url.substr(url.find("digest=") + 7)] = body;
      done.status = 201;
    } else if (request.method == "PUT") {
      manifests[last] = manifests[sha256(as_bytes(body))] = body;
      done.status = 201;
    } else {
      const auto& shelf = url.find("/manifests/") != std::string::npos ? manifests : blobs;
      if (const auto found = shelf.find(last); found != shelf.end()) {
        done.status = 200;
        if (request.method == "GET") done.body = found->second;
      }
    }
    return done;
  }

  std::string host_;
};

Reference reference(const std::string& text = "localhost:5000/acme/a:1") {
  return *Reference::parse(text);
}

const Report kSilent = [](const std::string&) {};

TEST(Reference, Parses) {
  const auto full = Reference::parse("ghcr.io/acme/a.b-c_d:v1.0@sha256:" + std::string(64, 'a'));
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(full->registry, "ghcr.io");
  EXPECT_EQ(full->repository, "acme/a.b-c_d");
  EXPECT_EQ(full->tag, "v1.0");
  EXPECT_EQ(full->version(), "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(reference("localhost/a").version(), "latest");
  EXPECT_EQ(reference("[::1]:5000/a").registry, "[::1]:5000");
  for (const char* text :
       {"", "analyst", "acme/analyst", "ghcr.io/", "ghcr.io/A", "ghcr.io/a:", "ghcr.io/a@sha256:1",
        "ghcr.io/../a", "ghcr.io/a//b", "a b.io/c", "ghcr.io/a:b c", "https://ghcr.io/a"}) {
    EXPECT_FALSE(Reference::parse(text).ok()) << text;
  }
}

TEST(Registry, WhatIsPushedIsPulled) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  const auto digest = push(registry, reference(), as_bytes(kModule), {}, kSilent, {});
  ASSERT_TRUE(digest.ok()) << digest.error().describe();
  EXPECT_EQ(*digest, sha256(as_bytes(fake.manifests["1"])));
  const auto document = parse_document(fake.manifests["1"]);
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->manifest->config.media_type, "application/vnd.wasm.config.v0+json");
  ASSERT_EQ(document->manifest->layers.size(), 1U);
  EXPECT_EQ(document->manifest->layers[0].media_type, "application/wasm");
  EXPECT_EQ(fake.blobs[document->manifest->config.digest],
            "{\"architecture\":\"wasm\",\"layerDigests\":[\"" + sha256(as_bytes(kModule)) +
                "\"],\"os\":\"wasip1\"}");
  const auto pulled = pull(registry, reference(), {});
  ASSERT_TRUE(pulled.ok()) << pulled.error().describe();
  EXPECT_EQ(as_text(pulled->wasm), kModule);
  EXPECT_EQ(pulled->manifest.digest, *digest);
}

TEST(Registry, WhatCouldNotBePulledIsNotPushed) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  const std::size_t size = kLargestProgram.count + 1;
  // Its pages are never touched.
  const std::unique_ptr<void, decltype(&std::free)> memory(std::calloc(size, 1), &std::free);
  const ByteView large(static_cast<const std::byte*>(memory.get()), size);
  const auto pushed = push(registry, reference(), large, {}, kSilent, {});
  EXPECT_EQ(pushed.error().kind(), ErrorKind::unsupported);
  EXPECT_TRUE(fake.calls.empty());
  const Descriptor blob{.media_type = "x", .digest = sha256({}), .size = size, .annotations = {}};
  EXPECT_EQ(registry.blob(reference(), blob, {}).error().kind(), ErrorKind::unsupported);
}

TEST(Registry, WhatIsThereIsNotSentAgain) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  ASSERT_TRUE(push(registry, reference(), as_bytes(kModule), {}, kSilent, {}).ok());
  fake.calls.clear();
  ASSERT_TRUE(
      push(registry, reference("localhost:5000/acme/a:2"), as_bytes(kModule), {}, kSilent, {})
          .ok());
  EXPECT_THAT(fake.calls, Not(Contains(HasSubstr("POST"))));
}

TEST(Registry, SignsInWithATokenForWhatWasAskedFor) {
  FakeRegistry fake;
  fake.challenge =
      "Bearer realm=\"https://auth.test/token\",service=\"reg\",scope=\"repository:acme/a:pull\"";
  fake.wanted = "Bearer t0k";
  fake.token = "t0k";
  Registry registry(fake.network, {.docker_config = "{\"auths\":{\"localhost:5000\":{\"auth\":\"" +
                                                    to_base64(as_bytes("u:p")) + "\"}}}"});
  ASSERT_TRUE(push(registry, reference(), as_bytes(kModule), {}, kSilent, {}).ok());
  EXPECT_THAT(
      fake.calls,
      Contains("GET https://auth.test/token?service=reg&scope=repository:acme/a:pull,push"));
  EXPECT_THAT(registry.blob_request(reference(), "sha256:1").headers,
              ElementsAre(std::pair<std::string, std::string>("Authorization", "Bearer t0k")));
}

TEST(Registry, PushesAgainWhereATokenIsForOneScope) {
  FakeRegistry fake;
  fake.scoped = true;
  for (int turn = 0; turn < 2; ++turn) {
    Registry registry(fake.network, {});  // the second finds every blob there
    const auto pushed = push(registry, reference(), as_bytes(kModule), {}, kSilent, {});
    ASSERT_TRUE(pushed.ok()) << pushed.error().describe();
  }
  // Who has pulled before holds a token for that alone.
  Registry registry(fake.network, {});
  ASSERT_TRUE(pull(registry, reference(), {}).ok());
  const auto written = registry.put_manifest(reference(), fake.manifests["1"], {});
  EXPECT_TRUE(written.ok()) << written.error().describe();
}

TEST(Registry, NoSignInLeavesTheRegistry) {
  FakeRegistry fake;
  fake.challenge = "Bearer realm=\"http://evil.test/token\",service=\"reg\"";
  fake.wanted = "Bearer x";
  Registry far(fake.network, {.docker_config = {}});
  const auto refused = far.manifest(reference("reg.test/acme/a:1"), {});
  EXPECT_FALSE(refused.ok());
  // An upload that goes elsewhere goes without the sign-in: FakeRegistry looks.
  fake.challenge = "Basic realm=\"x\"";
  fake.wanted = "Basic " + to_base64(as_bytes("u:p"));
  fake.upload_to = "https://storage.test/u";
  Registry registry(
      fake.network,
      {.docker_config =
           "{\"auths\":{\"localhost:5000\":{\"username\":\"u\",\"password\":\"p\"}}}"});
  EXPECT_TRUE(push(registry, reference(), as_bytes(kModule), {}, kSilent, {}).ok());
  EXPECT_THAT(fake.calls, Contains(HasSubstr("PUT https://storage.test/u?digest=")));
}

TEST(Registry, APasswordGoesWithoutTlsToTheRegistryAlone) {
  const RegistryOptions options{.plain_http = PlainHttp::everywhere,
                                .docker_config =
                                    "{\"auths\":{\"localhost:5000\":{\"auth\":\"dTpw\"},"
                                    "\"reg.test:5000\":{\"auth\":\"dTpw\"}}}"};
  const auto asked = [&](const std::string& host, const std::string& realm) {
    FakeRegistry fake("http://" + host);
    fake.wanted = "Bearer t0k";
    fake.challenge = "Bearer realm=\"" + realm + "\",service=\"reg\"";
    Registry registry(fake.network, options);
    const auto got = registry.manifest(reference(host + "/acme/a:1"), {});
    EXPECT_FALSE(got.ok());
    return std::ranges::any_of(fake.calls, [&](const std::string& call) {
      return call.starts_with("GET " + realm + "?");
    });
  };
  for (const char* away :
       {"http://evil.test/token", "http://localhost:5000@evil.test/token",
        "http://localhost@evil.test/token", "http://localhost.evil.test/token",
        "http://127.0.0.1.evil.test/token", "http://localhost:5000\\@evil.test/token",
        "http://reg.test:5001/token", "HTTP://evil.test/token"}) {
    EXPECT_FALSE(asked("localhost:5000", away)) << away;
    EXPECT_FALSE(asked("reg.test:5000", away)) << away;
  }
  EXPECT_TRUE(asked("localhost:5000", "http://127.0.0.1:5001/token"));
  EXPECT_TRUE(asked("localhost:5000", "https://auth.test/token"));
  EXPECT_TRUE(asked("reg.test:5000", "http://reg.test:5000/token"));
  EXPECT_FALSE(asked("localhost:5000", "http://reg.test:5000/token"));
}

TEST(Registry, OnlyThisMachinesOwnAreSpokenToWithoutTls) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  const auto address = [&](const Registry& with, const char* text) {
    return with.blob_request(reference(text), "d").url;
  };
  for (const char* own : {"localhost/a", "localhost:1/a", "127.0.0.1:1/a", "127.1.2.3/a",
                          "[::1]:5000/a", "[::1]/a"}) {
    EXPECT_THAT(address(registry, own), ::testing::StartsWith("http://")) << own;
  }
  for (const char* far : {"127.0.0.1.example.com/a", "127.example.com/a", "localhost.test/a",
                          "[::2]:5000/a", "10.0.0.1:5000/a"}) {
    EXPECT_THAT(address(registry, far), ::testing::StartsWith("https://")) << far;
  }
  const Registry plain(fake.network, {.plain_http = PlainHttp::everywhere});
  EXPECT_THAT(address(plain, "10.0.0.1:5000/a"), ::testing::StartsWith("http://"));
}

TEST(Registry, WithoutASignInItSaysWhatToDo) {
  FakeRegistry fake;
  fake.challenge = "Basic realm=\"x\"";
  fake.wanted = "Basic zzz";
  Registry registry(fake.network, {});
  const auto pulled = pull(registry, reference(), {});
  ASSERT_FALSE(pulled.ok());
  EXPECT_EQ(pulled.error().kind(), ErrorKind::permission_denied);
  EXPECT_THAT(pulled.error().describe(), HasSubstr("docker login localhost:5000"));
}

TEST(Registry, ItsWordsDoNotSteerATerminal) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  fake.wanted = "x";
  for (const char* challenge : {"Bearer realm=\"ftp://a\x1b[31m\xc2\x9b"
                                "2J\"",
                                "Odd\x1b[31m\xc2\x9b"
                                "2J realm"}) {
    fake.challenge = challenge;
    const std::string told = pull(registry, reference(), {}).error().describe();
    EXPECT_THAT(told, HasSubstr("?[31m?2"));
    EXPECT_THAT(told, Not(HasSubstr("\x1b")));
  }
}

// The registry lies: every lie is found, and named.
TEST(Registry, OtherBytesAreNotTaken) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  const auto digest = push(registry, reference(), as_bytes(kModule), {}, kSilent, {});
  const std::string layer = sha256(as_bytes(kModule));
  fake.blobs[layer] = std::string("\0asm\1\0\0\1", 8);
  EXPECT_THAT(pull(registry, reference(), {}).error().describe(),
              HasSubstr("something else than the blob"));
  fake.blobs[layer] = kModule + std::string(100'000, 'x');
  EXPECT_THAT(pull(registry, reference(), {}).error().describe(), HasSubstr("more than the 8 B"));
  fake.blobs[layer] = kModule.substr(0, 7);
  EXPECT_EQ(pull(registry, reference(), {}).error().kind(), ErrorKind::corrupt_data);
  fake.manifests[*digest] = fake.manifests["1"] + " ";
  EXPECT_THAT(pull(registry, reference("localhost:5000/acme/a@" + *digest), {}).error().describe(),
              HasSubstr("something else than the manifest"));
  fake.manifests["1"] = "<html>";
  EXPECT_EQ(pull(registry, reference(), {}).error().kind(), ErrorKind::corrupt_data);
}

Manifest one_layer(FakeRegistry& fake, const std::string& type, const std::string& content) {
  Manifest manifest{.digest = {}, .config = {"c", fake.add("{}"), 2, {}}, .layers = {}};
  manifest.layers.push_back({type, fake.add(content), content.size(), {}});
  return manifest;
}

TEST(Registry, ReadsSpinsLayoutAndImages) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  Manifest spin = one_layer(fake, "application/vnd.wasm.content.layer.v1+wasm", kModule);
  spin.layers.push_back({"application/vnd.wasm.content.layer.v1+data", fake.add("{}"), 2, {}});
  fake.manifests["1"] = manifest_to_json(spin);
  EXPECT_EQ(as_text(pull(registry, reference(), {})->wasm), kModule);
  const std::string tar =
      test::tar_of("etc/x", "y").substr(0, 1024) + test::tar_of("app.wasm", kModule);
  const Manifest twin = one_layer(fake, "application/vnd.oci.image.layer.v1.tar", tar);
  const std::string json = manifest_to_json(twin);
  fake.manifests[sha256(as_bytes(json))] = json;
  fake.manifests["1"] =
      "{\"manifests\":[{\"digest\":\"sha256:0\",\"platform\":{\"architecture\":\"amd64\"}},"
      "{\"digest\":\"" +
      sha256(as_bytes(json)) + "\",\"platform\":{\"architecture\":\"wasm\",\"os\":\"wasi\"}}]}";
  const auto pulled = pull(registry, reference(), {});
  ASSERT_TRUE(pulled.ok()) << pulled.error().describe();
  EXPECT_EQ(as_text(pulled->wasm), kModule);
}

TEST(Registry, SaysWhatThereIsInsteadOfAProgram) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  fake.manifests["1"] = manifest_to_json(one_layer(fake, "application/x-helm", "x"));
  EXPECT_THAT(pull(registry, reference(), {}).error().describe(), HasSubstr("application/x-helm"));
  fake.manifests["1"] = manifest_to_json(one_layer(fake,
                                                   "x\x1b[31m\xc2\x9b"
                                                   "31m",
                                                   "x"));
  EXPECT_THAT(pull(registry, reference(), {}).error().describe(), HasSubstr("but x?[31m?31m"));
  Manifest two = one_layer(fake, "application/wasm", kModule);
  two.layers.push_back(two.layers.front());
  fake.manifests["1"] = manifest_to_json(two);
  EXPECT_THAT(pull(registry, reference(), {}).error().describe(), HasSubstr("holds 2 programs"));
  EXPECT_EQ(pull(registry, reference("localhost:5000/acme/a:9"), {}).error().kind(),
            ErrorKind::not_found);
}

TEST(Registry, WeightsOfAnotherSizeThanTheCardSaysAreRefused) {
  const ModelCard card = test::card();
  WasmWriter note;
  note.name(kCardSection).raw(as_bytes(card_to_json(card)));
  WasmWriter component;
  component.raw(component_preamble()).section(section::kCustom, note);
  FakeRegistry fake;
  Registry registry(fake.network, {});
  Manifest manifest = one_layer(fake, "application/wasm", std::string(as_text(component.bytes())));
  fake.manifests["1"] = manifest_to_json(manifest);
  EXPECT_TRUE(pull(registry, reference(), {}).ok()) << "it may come without its weights";
  manifest.layers.push_back(
      {std::string(media::kWeights), card.weights.digest, card.weights.size.count, {}});
  fake.manifests["1"] = manifest_to_json(manifest);
  EXPECT_TRUE(pull(registry, reference(), {}).ok());
  manifest.layers.back().size += 1;
  fake.manifests["1"] = manifest_to_json(manifest);
  const auto refused = pull(registry, reference(), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::corrupt_data);
  EXPECT_THAT(refused.error().describe(), HasSubstr("1235 bytes in the manifest"));
}

// The tag of cosign's for the signatures of what `pushed` is the digest of.
std::string signatures_tag(const std::string& pushed) {
  return "sha256-" + pushed.substr(pushed.find(':') + 1) + ".sig";
}

TEST(Signatures, OneThatIsNotWholeDoesNotHideTheOthers) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  const auto pushed = push(registry, reference(), as_bytes(kModule), {}, kSilent, {});
  const test::Keys keys = test::make_keys("P-256");
  ASSERT_TRUE(sign(registry, reference(), keys.secret, {}).ok());
  std::string& stored = fake.manifests[signatures_tag(*pushed)];
  Manifest signatures = *parse_document(stored)->manifest;
  Descriptor gone = signatures.layers.front();
  gone.digest = sha256(as_bytes("gone"));
  Descriptor changed = signatures.layers.front();
  changed.digest = sha256(as_bytes("changed"));
  fake.blobs[changed.digest] = std::string(changed.size, 'x');
  signatures.layers.insert(signatures.layers.begin(), {gone, changed});
  stored = manifest_to_json(signatures);
  const auto verified = verify(registry, reference(), keys.open, {});
  EXPECT_TRUE(verified.ok()) << verified.error().describe();
  EXPECT_EQ(verify(registry, reference(), test::make_keys("P-256").open, {}).error().kind(),
            ErrorKind::permission_denied);
}

TEST(Signatures, ThereAreNoMoreThanCanBeRead) {
  FakeRegistry fake;
  Registry registry(fake.network, {});
  const auto pushed = push(registry, reference(), as_bytes(kModule), {}, kSilent, {});
  const test::Keys keys = test::make_keys("P-256");
  ASSERT_TRUE(sign(registry, reference(), keys.secret, {}).ok());
  std::string& stored = fake.manifests[signatures_tag(*pushed)];
  Manifest signatures = *parse_document(stored)->manifest;
  signatures.layers.resize(255, signatures.layers.front());
  stored = manifest_to_json(signatures);
  ASSERT_TRUE(sign(registry, reference(), keys.secret, {}).ok()) << "the 256th";
  const std::string before = stored;
  EXPECT_EQ(sign(registry, reference(), keys.secret, {}).error().kind(),
            ErrorKind::resource_exhausted);
  EXPECT_EQ(stored, before);
  EXPECT_TRUE(verify(registry, reference(), keys.open, {}).ok());
}

TEST(DockerConfig, FindsTheRegistrysOwnSignIn) {
  const std::string config = "{\"auths\":{\"https://a.test/v1/\":{\"auth\":\"" +
                             to_base64(as_bytes("u:p:q")) +
                             "\"},\"b.test\":{\"username\":\"u\",\"password\":\"p\"},\"c.test\":{},"
                             "\"d.test\":{\"auth\":\"x\"}},"
                             "\"credsStore\":\"desktop\",\"credHelpers\":{\"e.test\":\"ecr\"}}";
  EXPECT_EQ(*sign_in_for(config, "a.test"), "Basic " + to_base64(as_bytes("u:p:q")));
  EXPECT_EQ(*sign_in_for(config, "b.test"), "Basic " + to_base64(as_bytes("u:p")));
  EXPECT_EQ(*sign_in_for(config, "other.test"), "");
  EXPECT_EQ(*sign_in_for("", "a.test"), "");
  EXPECT_THAT(sign_in_for(config, "c.test").error().describe(),
              HasSubstr("docker-credential-desktop"));
  EXPECT_EQ(sign_in_for(config, "d.test").error().kind(), ErrorKind::corrupt_data);
  EXPECT_THAT(sign_in_for(config, "e.test").error().describe(), HasSubstr("docker-credential-ecr"));
  EXPECT_EQ(sign_in_for("[1]", "a.test").error().kind(), ErrorKind::corrupt_data);
}

TEST(ErrorText, IsOneCleanLine) {
  EXPECT_EQ(error_text("{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\\n\\u001b[31mway\"}]}"),
            "DENIED: no??[31mway");
  EXPECT_EQ(error_text("<html>"), "");
}

}  // namespace
}  // namespace quern::package
