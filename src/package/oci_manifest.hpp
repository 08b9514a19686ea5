// The documents of an OCI artifact, as text and as values.
//
// https://github.com/opencontainers/image-spec/blob/main/manifest.md
// https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/
#pragma once

#include "package/registry.hpp"

#include <optional>

namespace quern::package {

inline constexpr std::size_t kMostLayers = 256;  // of a manifest that is read

// What a manifest says of these bytes.
Descriptor describe(std::string_view media_type, ByteView bytes);

// A manifest, or what an index says is the one to take.
struct Document {
  std::optional<Manifest> manifest;
  std::string instead;  // a digest, when it is an index
};
// corrupt_data: neither; unsupported: an index without anything for WebAssembly.
Result<Document> parse_document(std::string_view json);

std::string manifest_to_json(const Manifest& manifest);

// The configuration of an artifact: what the component is, before anybody fetches it.
std::string wasm_config(const Outline& outline, const std::vector<Descriptor>& layers);

// "code: message" of a registry's error document, on one line; empty when it is none.
std::string error_text(std::string_view json);

}  // namespace quern::package
