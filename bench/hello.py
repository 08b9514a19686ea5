#!/usr/bin/env python3
"""Sandbox and HTTP cost of a request without a model, against `wasmtime serve`.

The same component (guests/hello) is served by both, a fresh instance per request on both sides;
wrk drives them in turns with 32 kept-alive connections. Cold start is an instance made and dropped.
"""

import json
import re
import subprocess

import harness

PAIRS = 5
SECONDS = 4
HELLO = harness.BUILD / "guests" / "hello" / "hello.wasm"
WASMTIME = harness.where("cache") / "wasmtime-cli-48.0.8" / "bin" / "wasmtime"


def load(port: int) -> float:
    out = subprocess.check_output(["wrk", "-t1", "-c32", f"-d{SECONDS}s", f"http://127.0.0.1:{port}/"], text=True)
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if errors:
        raise SystemExit(f"{errors.group(1)} answers were not 200")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", out).group(1))


def wasmtime() -> harness.Server:
    port = harness.free_port()
    return harness.Server([WASMTIME, "serve", "--addr", f"127.0.0.1:{port}", "-Scli", HELLO], port, "/")


def quern_serve() -> harness.Server:
    port = harness.free_port()
    return harness.Server([harness.QUERN, "serve", HELLO, "--port", port], port, "/")


def cold_start_us() -> float:
    subprocess.run(["ninja", "-C", harness.BUILD, "wasm_bench"], check=True, stdout=subprocess.DEVNULL)
    out = subprocess.check_output(
        [harness.BUILD / "src/wasm/wasm_bench", "--benchmark_filter=cold_start_component", "--benchmark_format=json",
         "--benchmark_repetitions=5"], text=True, stderr=subprocess.DEVNULL)
    runs = json.loads(out)["benchmarks"]
    scale = {"ns": 1e-3, "us": 1, "ms": 1e3}
    return round(next(r["real_time"] * scale[r["time_unit"]] for r in runs if r.get("aggregate_name") == "median"), 1)


def main() -> None:
    pairs = []
    with quern_serve() as own, wasmtime() as peer:
        for n in range(PAIRS + 1):
            pair = (load(own.port), load(peer.port))
            if n:
                pairs.append(pair)
                print(f"pair {n}: {pair[0]:.0f} / {pair[1]:.0f} requests/s", flush=True)
    harness.report("hello", {
        "quern_per_s": round(harness.median(o for o, _ in pairs)),
        "wasmtime_serve_per_s": round(harness.median(p for _, p in pairs)),
        "ratio": round(harness.median(o / p for o, p in pairs), 3),
        "cold_start_us": cold_start_us(), "pairs": PAIRS, "connections": 32})


if __name__ == "__main__":
    main()
