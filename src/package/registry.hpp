// OCI registries: what is named, fetched from and sent to one.
//
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
// https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
#pragma once

#include "base/network.hpp"

#include "package/package.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quern::package {

// "ghcr.io/acme/analyst:1.0", "localhost:5000/analyst@sha256:...". There is no default registry.
struct Reference {
  std::string registry;    // "localhost:5000"
  std::string repository;  // "acme/analyst"
  std::string tag;         // "latest" when neither tag nor digest were written
  std::string digest;      // counts before the tag; may be empty

  static Result<Reference> parse(std::string_view text);
  std::string to_string() const;
  const std::string& version() const { return digest.empty() ? tag : digest; }
};

// May this be a reference, where a file could stand as well? Files are asked for first.
bool looks_like_reference(std::string_view text);

struct Descriptor {
  std::string media_type;
  std::string digest;
  std::uint64_t size = 0;
  std::map<std::string, std::string> annotations;
};

struct Manifest {
  std::string digest;  // of the document itself
  Descriptor config;
  std::vector<Descriptor> layers;
};

namespace media {
inline constexpr std::string_view kManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kWasmConfig = "application/vnd.wasm.config.v0+json";
inline constexpr std::string_view kWasm = "application/wasm";
inline constexpr std::string_view kSpinWasm = "application/vnd.wasm.content.layer.v1+wasm";
inline constexpr std::string_view kWeights = "application/vnd.quern.weights.v1.gguf";
inline constexpr std::string_view kAdapter = "application/vnd.quern.adapter.v1.gguf";
}  // namespace media

// Of a program in a registry, packed and not: what is pushed can be pulled.
inline constexpr Bytes kLargestProgram = 256_MiB;

enum class PlainHttp : std::uint8_t { loopback_only, everywhere };

struct RegistryOptions {
  PlainHttp plain_http = PlainHttp::loopback_only;
  // The text of docker's config.json, where sign-ins are kept; may be empty.
  std::string docker_config;
};

// A conversation with the registry of a reference. It signs in when it is asked to, with what
// docker's configuration holds. The password goes to the registry and to the token server that it
// names, over https or where that is the registry itself (of a registry without TLS: or this
// machine); to no other host that an answer leads to.
class Registry {
 public:
  // `network` outlives it.
  Registry(Network& network, RegistryOptions options)
      : network_(network), options_(std::move(options)) {}

  // Of an index, the entry for WebAssembly. corrupt_data: not the digest that was named.
  Result<Manifest> manifest(const Reference& what, const std::stop_token& stop);
  // Verified. corrupt_data: other bytes, or more; unsupported: beyond kLargestProgram.
  Result<Buffer> blob(const Reference& what, const Descriptor& blob, const std::stop_token& stop);
  // How to get a large one oneself, signed in like the last call.
  FetchRequest blob_request(const Reference& what, std::string_view digest) const;

  // What a push is made of; a sign-in that one of these makes is for reading and writing.
  Result<bool> has_blob(const Reference& what, std::string_view digest,
                        const std::stop_token& stop);
  using Body = std::function<Result<Buffer>()>;  // as in SendRequest
  Result<> put_blob(const Reference& what, const Descriptor& blob, const Body& body,
                    const std::stop_token& stop);
  // Under the tag or digest of the reference; the document's digest.
  Result<std::string> put_manifest(const Reference& what, std::string_view json,
                                   const std::stop_token& stop);

 private:
  std::string address(const Reference& what, std::string_view rest) const;
  // May the request's body be read from its beginning a second time?
  enum class BodyIs : std::uint8_t { read_once, repeatable };
  // Sends, signing in if it must; an error for statuses from 400 on.
  Result<SendAnswer> call(const Reference& what, SendRequest request, const std::stop_token& stop,
                          BodyIs body = BodyIs::read_once);
  Result<SendAnswer> signed_in(const Reference& what, SendRequest request,
                               const std::stop_token& stop, BodyIs body = BodyIs::read_once);
  Result<> sign_in(const Reference& what, std::string_view challenge, const std::stop_token& stop);
  Result<std::string> fetch_token(const Reference& what, std::string_view challenge,
                                  const std::string& basic, const std::stop_token& stop);

  Network& network_;
  RegistryOptions options_;
  std::string authorization_;  // for this conversation's registry
  bool pushes_ = false;        // what is asked for is the way to a push
};

// What of a push or pull is told as it happens.
using Report = std::function<void(const std::string&)>;

// Weights of a model that is pushed: the next pieces of the file.
using OpenWeights = std::function<Result<Registry::Body>(const Weights&)>;

// A component or module as an OCI artifact: its configuration, itself, and the weights of the
// models in it as layers of their own; what the registry has is not sent again. The manifest's
// digest. unsupported: beyond kLargestProgram.
Result<std::string> push(Registry& registry, const Reference& to, ByteView wasm,
                         const OpenWeights& weights, const Report& report,
                         const std::stop_token& stop);

struct Pulled {
  Manifest manifest;
  Buffer wasm;
  Outline outline;
};
// Understands artifacts, images of one layer that holds one .wasm, and Spin's layout with one
// component. Weights are left where they are: blob_request() and the cards tell how to get them.
// corrupt_data: weights of another size than their card says.
Result<Pulled> pull(Registry& registry, const Reference& from, const std::stop_token& stop);

}  // namespace quern::package
