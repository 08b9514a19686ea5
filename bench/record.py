#!/usr/bin/env python3
"""What recording costs, and whether replays are the same.

Overhead: each program runs in turns with and without --record; ratios of whole runs, start to end, are taken
pair by pair. `compute` is bench/guests/compute.c; `files` reads and writes 64 KiB at a time, as a module and as a
component; `chat` asks a model with weights for 96 tokens (tests/guests/rust/nn-stream).
Sameness: random guests (tests/conformance/random), half of them modules and half components, each recorded, its
folder taken away, and replayed: exit code, stdout and stderr must be the same bytes.

    bench/record.py [--pairs 15] [--guests 1000]
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import harness

sys.path[:0] = [str(harness.ROOT / "tests" / "conformance"), str(harness.ROOT / "tests" / "guests")]
import build as guests  # noqa: E402
import programs  # noqa: E402

MOST = 1.05
FILE_BYTES = 8 << 20
GUESTS = harness.ROOT / "bench" / "guests"


def clang(source: str, out: pathlib.Path) -> pathlib.Path:
    subprocess.run(["clang-19", "-O2", "--target=wasm32-wasi", GUESTS / source, "-o", out], check=True)
    return out


def component(module: pathlib.Path, out: pathlib.Path) -> pathlib.Path:
    adapter = harness.where("guest-wit") / "adapters" / "wasi_snapshot_preview1.command.wasm"
    tools = guests.need("wasm-tools", "deps/setup.sh tests")
    adapt = f"wasi_snapshot_preview1={adapter}"
    subprocess.run([tools, "component", "new", module, "--adapt", adapt, "-o", out], check=True)
    return out


def workloads(folder: pathlib.Path) -> dict[str, list]:
    """The words after `quern run` of each."""
    data = folder / "data"
    data.mkdir()
    (data / "from").write_bytes(random.Random(1).randbytes(FILE_BYTES))
    shout = clang("shout.c", folder / "shout.wasm")
    files = ["--dir", f"{data}::/", "--cpu", "1h"]
    model = ["--nn-preload", f"small:GGML:AUTO:{harness.MODEL}", "--ctx-size", "512", "--threads", harness.THREADS]
    return {
        "compute": [clang("compute.c", folder / "compute.wasm"), "30"],
        "files_module": [*files, shout, "/from", "/to", "12"],
        "files_component": [*files, component(shout, folder / "shout.component.wasm"), "/from", "/to", "12"],
        "chat": [*model, guests.build("rust/nn-stream"), "small", "One, two, three,", "96"],
    }


def seconds(words: list, record: list, env: dict) -> float:
    before = time.perf_counter()
    subprocess.run([str(word) for word in [harness.QUERN, "run", *record, *words]], check=True, env=env,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - before


def overhead(words: list, pairs: int, folder: pathlib.Path, env: dict) -> dict:
    file = folder / "bench.rec"
    runs = []
    for n in range(pairs + 1):
        record = ["--record", file, "--record-limit", "8GiB"]
        turns = [[], record] if n % 2 else [record, []]
        took = {bool(turn): seconds(words, turn, env) for turn in turns}
        if n > 0:  # the first compiles and reads the model in
            runs.append((took[False], took[True]))
    replayed = time.perf_counter()
    subprocess.run([harness.QUERN, "replay", file], check=True, env=env, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return {"ratio": round(harness.median(with_it / without for without, with_it in runs), 4),
            "seconds": round(harness.median(without for without, _ in runs), 3),
            "recording_bytes": file.stat().st_size, "replay_seconds": round(time.perf_counter() - replayed, 3)}


def ended(words: list, env: dict, stdin: bytes = b"") -> tuple:
    done = subprocess.run([str(word) for word in words], env=env, input=stdin, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def same(seed: int, folder: pathlib.Path, env: dict) -> bool:
    world, file = folder / "world", folder / "random.rec"
    shutil.rmtree(world, ignore_errors=True)
    (world / "folder").mkdir(parents=True)
    (world / "a").write_bytes(random.Random(seed).randbytes(2000))
    (world / "link").symlink_to("a")
    program = programs.folder("random") / ("component.wasm" if seed % 2 else "wanderer.wasm")
    words = ["run", "--record", file, "--dir", f"{world}::/", "--env", "WANDER=far", program, seed, 60]
    recorded = ended([harness.QUERN, *words], env, f"line {seed}\n".encode() * 50)
    shutil.rmtree(world)
    replayed = ended([harness.QUERN, "replay", file], env)
    if recorded != replayed:
        print(f"seed {seed} differs: {recorded} and {replayed}", file=sys.stderr)
    return recorded == replayed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--guests", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        env = {**os.environ, "HOME": place}
        costs = {}
        for name, words in workloads(folder).items():
            costs[name] = overhead(words, given.pairs, folder, env)
            print(name, costs[name], file=sys.stderr)
        equal = sum(same(seed, folder, env) for seed in range(given.guests))
    harness.report("record", {"pairs": given.pairs, "at_most": MOST, "overhead": costs,
                              "random_guests": given.guests, "replayed_the_same": equal})
    slow = [name for name, cost in costs.items() if cost["ratio"] > MOST]
    if slow or equal < given.guests:
        sys.exit(f"above {MOST}: {slow}; {given.guests - equal} of {given.guests} replays differ")


if __name__ == "__main__":
    main()
