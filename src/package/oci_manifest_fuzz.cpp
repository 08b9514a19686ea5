// A registry's documents: manifests, indices, errors.
#include "package/oci_manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = quern::package::parse_document(text);
  if (document.ok() && document->manifest) {
    (void)quern::package::parse_document(quern::package::manifest_to_json(*document->manifest))
        .ok();
  }
  (void)quern::package::error_text(text);
  return 0;
}
