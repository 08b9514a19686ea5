// package: components as things that are packed, taken apart, put together and carried.
//
// For:     a model as a component (pack), what a component asks for and offers (outline), an app
//          and a model made one (compose); OCI artifacts (registry.hpp) and signatures
//          (signature.hpp).
// Refuses: running anything (wasm, cli), deciding what a guest may do, and weights inside of
//          components: they travel beside them, as blobs of their own, and live in the catalog.
// Owns:    nothing. Functions of bytes, and a Registry that borrows the network.
// Threads: any; a Registry belongs to one thread and blocks it.
// Errors:  corrupt_data (no component, a registry's bad document or wrong bytes),
//          invalid_argument, unsupported (a form that is not written for: named), not_found,
//          permission_denied (signing in, signatures), unavailable (the registry).
//
//     const Buffer analyst = TRY(pack(model_guest, {.name = "acme/analyst", .weights = weights}));
//     const Buffer whole = TRY(compose({.app = app, .model = analyst}));
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quern::package {

// Weights that a model component means; they are not in it.
struct Weights {
  std::string digest;  // "sha256:..."
  Bytes size;
  std::string name;     // a file's name for them, as in the catalog's store
  std::string licence;  // may be empty
};

// LoRA weights that are added to a model's own: GGUF, too.
struct Adapter {
  Weights file;
  float scale = 1;  // finite, not 0
};
// "sha256:...=0.5", as `--lora` takes it.
std::string to_string(const Adapter& adapter);

// What makes a model out of weights.
struct ModelCard {
  std::string name;    // "acme/analyst": letters, digits, ".", "_", "-", "/"; at most 128 bytes
  std::string system;  // said before every conversation; may be empty; at most 32 KiB with the name
  Weights weights;
  std::vector<Adapter> adapters;  // at most 16
};

// What such a model is known by, here and in programs: the weights' own digest, and with adapters a
// digest of all together.
std::string model_digest(std::string_view weights, const std::vector<Adapter>& adapters);
std::string model_digest(const ModelCard& card);
// All that has to be here for it: the weights, then the adapters.
std::vector<Weights> files_of(const ModelCard& card);

// A component that is the model of the card. `guest`: guests/model, as built. invalid_argument for
// a card that cannot be; corrupt_data when `guest` has no place for it.
Result<Buffer> pack(ByteView guest, const ModelCard& card);

// Is this what pack() makes of the card: does the code that is asked say what the card says?
bool is_plain_pack(ByteView wasm, const ModelCard& card);

// What a module or component says about itself, without compiling it.
struct Outline {
  enum class Kind : std::uint8_t { module, component };
  Kind kind = Kind::module;
  // "wasi:http/types@0.2.12"; of modules "wasi_snapshot_preview1.fd_write". In their order.
  std::vector<std::string> imports;
  std::vector<std::string> exports;
  // Its own, and those of components inside it. More than one only in what somebody else composed.
  std::vector<ModelCard> cards;
};

// corrupt_data: not WebAssembly, or cut off; more than 65,536 imports and exports, 100,000 bytes of
// one name, 64 cards, or 256 KiB of one card.
Result<Outline> outline(ByteView wasm);

// One program out of an app that uses models and the component that is its model.
struct Composition {
  ByteView app;
  ByteView model;
};

// The app's import of quern:llm/inference is met by the model; all other imports become the
// whole's, those of the same name once. Exports are the app's. invalid_argument: the app uses no
// models, or the model offers none; permission_denied: the model imports more than models, clocks,
// random numbers and wasi:io; unsupported: a form of import or export that is named.
Result<Buffer> compose(const Composition& parts);

// What it would have to be granted to be of use: a line for each key of the manifest
// (docs/formats/manifest.md), "stores: ... (--store)". Empty: nothing.
std::vector<std::string> grants_for(const Outline& outline);

// Does it export quern:llm/inference, so that an app can have it as its model?
bool is_model(const Outline& outline);
// Does it import it?
bool uses_models(const Outline& outline);

}  // namespace quern::package
