// Programs come from other hosts and import what those offer. Whoever runs one here should hear
// what the import is, and what to do about it, before looking for it.
#include "guestapi/import_advice.hpp"

namespace quern::guestapi {
namespace {
constexpr const char* kSpin2 = "offered as 2.0.0: build with version 2 or 3 of Spin's SDK";
}

std::vector<wasm::ImportAdvice> import_advice() {
  return {
      {.beginning = "wasi_ephemeral_nn.", .advice = "WASI-NN has no such function here"},
      {.beginning = "wasi:nn/", .advice = "WASI-NN, in another version than 0.2.0-rc-2024-10-28"},
      {.beginning = "quern:llm/", .advice = "language models, in another version than this one's"},
      {.beginning = "fermyon:spin/llm", .advice = kSpin2},
      {.beginning = "fermyon:spin/key-value", .advice = kSpin2},
      {.beginning = "fermyon:spin/variables", .advice = kSpin2},
      {.beginning = "fermyon:spin/config", .advice = kSpin2},
      {.beginning = "fermyon:", .advice = "an interface of Spin: only its host has it"},
      {.beginning = "spin:", .advice = "an interface of Spin: only its host has it"},
      {.beginning = "wasi:keyvalue/watch", .advice = "news of a key-value store: not offered"},
      {.beginning = "wasi:keyvalue/",
       .advice = "key-value stores are offered as 0.2.0-draft and 0.2.0-draft2"},
      {.beginning = "wasi:config/",
       .advice = "configuration is offered as wasi:config/store@0.2.0-rc.1 and the drafts before"},
      {.beginning = "wasi:logging/",
       .advice = "logging is offered as wasi:logging/logging, without a version or as 0.1.0-draft"},
      {.beginning = "wasi:blobstore/",
       .advice = "a store of blobs: not offered; grant a folder with --dir"},
      {.beginning = "wasi:messaging/", .advice = "messages: not offered"},
      {.beginning = "wasi:tls/", .advice = "TLS: not offered; wasi:http speaks https"},
      {.beginning = "wasi_snapshot_preview1.sock_",
       .advice = "neither WASI 0.1 nor WasmEdge's sockets have such a call"},
      {.beginning = "wasi_snapshot_preview1.", .advice = "WASI 0.1 has no such call"},
      {.beginning = "wasi.thread-spawn", .advice = "threads: not offered; build without them"},
      {.beginning = "wasi:", .advice = "only WASI 0.2 is offered"},
      {.beginning = "env.memory", .advice = "shared memory of threads: build without them"},
      {.beginning = "env.",
       .advice = "a C or C++ program linked with undefined symbols: link it fully"},
      {.beginning = "wbg.", .advice = "made for a browser by wasm-bindgen: build for WASI"},
      {.beginning = "__wbindgen", .advice = "made for a browser by wasm-bindgen: build for WASI"},
      {.beginning = "gojs.", .advice = "made for a browser: build with GOOS=wasip1"},
  };
}

}  // namespace quern::guestapi
