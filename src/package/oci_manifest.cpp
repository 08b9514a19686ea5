#include "package/oci_manifest.hpp"

#include "base/sha256.hpp"
#include "base/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace quern::package {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestText = 300;

Descriptor descriptor(const Json& json) {
  Descriptor found{.media_type = json.at("mediaType").get<std::string>(),
                   .digest = json.at("digest").get<std::string>(),
                   .size = json.at("size").get<std::uint64_t>(),
                   .annotations = {}};
  if (const auto notes = json.find("annotations"); notes != json.end() && notes->is_object()) {
    for (const auto& [key, value] : notes->items()) {
      if (value.is_string()) found.annotations[key] = value.get<std::string>();
    }
  }
  return found;
}

Json to_json(const Descriptor& descriptor) {
  Json json = {{"mediaType", descriptor.media_type},
               {"digest", descriptor.digest},
               {"size", descriptor.size}};
  if (!descriptor.annotations.empty()) json["annotations"] = descriptor.annotations;
  return json;
}

bool is_wasm(const Json& entry) {
  const Json platform = entry.value("platform", Json::object());
  const std::string architecture = platform.value("architecture", "");
  return architecture == "wasm" || architecture == "wasm32" ||
         platform.value("os", "").starts_with("wasi");
}

Result<Document> index(const Json& entries) {
  for (const Json& entry : entries) {
    if (!is_wasm(entry)) continue;
    Document found{.manifest = {}, .instead = entry.at("digest").get<std::string>()};
    if (is_digest(found.instead)) return found;
  }
  return fail(ErrorKind::unsupported, "nothing in this index is for WebAssembly");
}

Result<Document> manifest(const Json& json) {
  Manifest found{.digest = {}, .config = descriptor(json.at("config")), .layers = {}};
  const Json& layers = json.at("layers");
  if (layers.size() > kMostLayers) return fail(ErrorKind::corrupt_data, "too many layers");
  for (const Json& layer : layers) found.layers.push_back(descriptor(layer));
  const auto wrong = [](const Descriptor& each) { return !is_digest(each.digest); };
  if (wrong(found.config) || std::ranges::any_of(found.layers, wrong)) {
    return fail(ErrorKind::corrupt_data, "a layer without a sha256 digest");
  }
  return Document{.manifest = std::move(found), .instead = {}};
}

// The world that an export belongs to, where it is one of WASI's.
std::string target_of(const Outline& outline) {
  for (const std::string& name : outline.exports) {
    const std::string version =
        name.find('@') == std::string::npos ? "" : name.substr(name.find('@'));
    if (name.starts_with("wasi:http/incoming-handler@")) return "wasi:http/proxy" + version;
    if (name.starts_with("wasi:cli/run@")) return "wasi:cli/command" + version;
  }
  return {};
}

}  // namespace

Descriptor describe(std::string_view media_type, ByteView bytes) {
  return {.media_type = std::string(media_type),
          .digest = sha256(bytes),
          .size = bytes.size(),
          .annotations = {}};
}

Result<Document> parse_document(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    if (const auto entries = json.find("manifests"); entries != json.end()) return index(*entries);
    return manifest(json);
  } catch (const Json::exception& problem) {
    return fail(ErrorKind::corrupt_data,
                "it is no manifest: " + printable(problem.what(), kLongestText));
  }
}

std::string manifest_to_json(const Manifest& manifest) {
  Json layers = Json::array();
  for (const Descriptor& layer : manifest.layers) layers.push_back(to_json(layer));
  const Json json = {{"schemaVersion", 2},
                     {"mediaType", media::kManifest},
                     {"config", to_json(manifest.config)},
                     {"layers", layers}};
  return json.dump();
}

std::string wasm_config(const Outline& outline, const std::vector<Descriptor>& layers) {
  const bool component = outline.kind == Outline::Kind::component;
  Json digests = Json::array();
  for (const Descriptor& layer : layers) digests.push_back(layer.digest);
  Json json = {
      {"architecture", "wasm"}, {"os", component ? "wasip2" : "wasip1"}, {"layerDigests", digests}};
  if (component) {
    json["component"] = {{"exports", outline.exports}, {"imports", outline.imports}};
    const std::string target = target_of(outline);
    if (!target.empty()) json["component"]["target"] = target;
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string error_text(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return {};
  const auto errors = json.find("errors");
  if (errors == json.end() || !errors->is_array() || errors->empty()) return {};
  const Json& first = errors->front();
  if (!first.is_object()) return {};
  std::string told;
  for (const char* const key : {"code", "message"}) {
    const auto word = first.find(key);
    if (word == first.end() || !word->is_string()) continue;
    told += (told.empty() ? "" : ": ") + word->get<std::string>();
  }
  return printable(told, kLongestText);
}

}  // namespace quern::package
