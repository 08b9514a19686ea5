#!/usr/bin/env python3
"""What the sandbox costs a program that computes: the kernels of bench/guests/compute.c as wasm on
`quern run`, from cached code, beside the same source compiled natively. Both by clang-19 -O2; wasm with
128-bit vectors (-msimd128) apart. The time is taken inside the program, around the work.

    bench/compute.py [--scale 60] [--pairs 11]     a scale of 60 is about 1.2 s of work natively
"""

import argparse
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import harness

SOURCE = harness.ROOT / "bench" / "guests" / "compute.c"
# a * b + c in one step rounds once, in two twice: the checksums compare.
FLAGS = ["-O2", "-ffp-contract=off"]
BUILDS = {"native": [], "wasm": ["--target=wasm32-wasi"], "wasm_simd": ["--target=wasm32-wasi", "-msimd128"]}
MOST = 1.6  # times native; the aim is 1.2


def build(folder: pathlib.Path) -> dict[str, list]:
    commands = {}
    for name, flags in BUILDS.items():
        out = folder / f"{name}.wasm"
        subprocess.run(["clang-19", *FLAGS, *flags, SOURCE, "-o", out], check=True)
        commands[name] = [out] if name == "native" else [harness.QUERN, "run", out]
    return commands


def run(command: list, scale: int, home: str) -> tuple[dict[str, float], dict[str, str]]:
    """Seconds and checksum of each kernel."""
    done = subprocess.run([*map(str, command), str(scale)], check=True, capture_output=True, text=True,
                          env={**os.environ, "HOME": home})
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name: float(seconds) for name, seconds, _ in lines}, {name: checksum for name, _, checksum in lines}


def geometric_mean(values) -> float:
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=60)
    parser.add_argument("--pairs", type=int, default=11)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands = build(pathlib.Path(folder))
        rounds = []
        for n in range(given.pairs + 1):
            measured = {name: run(command, given.scale if n else 1, folder) for name, command in commands.items()}
            sums = {name: checksums for name, (_, checksums) in measured.items()}
            if any(of != sums["native"] for of in sums.values()):
                sys.exit(f"the checksums differ, so not the same was computed: {sums}")
            if n:  # the first compiles and warms
                rounds.append({name: seconds for name, (seconds, _) in measured.items()})
    kernels = list(rounds[0]["native"])
    figures: dict = {"scale": given.scale, "pairs": given.pairs, "compiler": compiler(), "kernels": {}}
    for kernel in kernels:
        median = {name: harness.median(r[name][kernel] for r in rounds) for name in BUILDS}
        figures["kernels"][kernel] = {f"{name}_s": round(seconds, 4) for name, seconds in median.items()}
        for name in ("wasm", "wasm_simd"):
            ratio = harness.median(r[name][kernel] / r["native"][kernel] for r in rounds)
            figures["kernels"][kernel][f"{name}_ratio"] = round(ratio, 2)
    for name in ("wasm", "wasm_simd"):
        overall = harness.median(geometric_mean(r[name][k] / r["native"][k] for k in kernels) for r in rounds)
        figures[f"{name}_ratio"] = round(overall, 3)
    figures["floor"] = f"wasm at most {MOST} times native (geometric mean of the kernels)"
    figures["floor_met"] = figures["wasm_ratio"] <= MOST
    harness.report("compute", figures, model=None)


def compiler() -> str:
    return subprocess.check_output(["clang-19", "--version"], text=True).splitlines()[0] + " " + " ".join(FLAGS)


if __name__ == "__main__":
    main()
