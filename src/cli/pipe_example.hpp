// The file that `quern pipe init` writes: small, and it runs.
#pragma once

#include <string_view>

namespace quern::cli {

inline constexpr std::string_view kPipeExample = R"(# A log pipeline. Run it with: quern pipe FILE
# Every stage and its keys: docs/guides/pipelines.

[pipeline]
# listen = "127.0.0.1:2020"     # /metrics and /health; else a free port of this machine

[[input]]
name = "app"
type = "stdin"                  # or tail, forward, http, otlp, syslog, wasm

[[filter]]
name = "no-debug"
type = "grep"
exclude = { log = "DEBUG" }

[[output]]
name = "screen"
type = "stdout"                 # or file, forward, http, otlp, loki, elasticsearch, webhook
match = "*"
buffer = { type = "memory" }    # or disk: then what was taken survives a crash

[[test]]
name = "debug lines are left out"
lines = ["INFO started", "DEBUG noise"]
expect = ['{"log":"INFO started"}']
)";

}  // namespace quern::cli
