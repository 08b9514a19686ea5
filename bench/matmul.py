#!/usr/bin/env python3
"""The product of two 4096 x 4096 matrices of doubles by the same three loops (i, k, j) in Python, Java, C
and as wasm on Quern; NumPy apart, whose algorithm is another.

    bench/matmul.py [--side 4096] [--rows 256] [--rounds 3]      --rows 4096: whole, minutes a language

Every row of the result is the same work, so that the first ROWS rows tell of all: what was not
computed whole is marked as extrapolated. A language that is not on this machine is named and left out.
"""

import argparse
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import harness

GUESTS = harness.ROOT / "bench" / "guests"
PLAIN_ROWS = 2  # of Python: a row of 4096 takes about a second
WASM = "--target=wasm32-wasi"


def programs(folder: pathlib.Path) -> tuple[dict[str, list], dict[str, str]]:
    """What can be run, by name, from the slowest to the fastest as one expects; and what cannot, and why."""
    found, missing = {"Python": [sys.executable, GUESTS / "matmul_plain.py"]}, {}
    if shutil.which("clang-19"):
        for name, flags in {"wasm on Quern": [WASM, "-O2"], "wasm on Quern, SIMD": [WASM, "-O2", "-msimd128"],
                            "C, -O2": ["-O2"], "C, -O3": ["-O3"]}.items():
            out = folder / f"{len(found)}.wasm"
            subprocess.run(["clang-19", *flags, "-ffp-contract=off", GUESTS / "matmul.c", "-o", out], check=True)
            found[name] = [harness.QUERN, "run", out] if WASM in flags else [out]
    else:
        missing["C and wasm"] = "clang-19 is not on this machine"
    if shutil.which("javac"):
        subprocess.run(["javac", "-d", folder, GUESTS / "Matmul.java"], check=True)
        found["Java"] = ["java", "-Xmx2g", "-cp", folder, "Matmul"]
    else:
        missing["Java"] = "javac is not on this machine"
    numpy = next((p for p in (sys.executable, "/usr/bin/python3") if subprocess.run(
        [p, "-c", "import numpy"], capture_output=True).returncode == 0), None)
    if numpy:
        found["NumPy"] = [numpy, GUESTS / "matmul_numpy.py"]
    else:
        missing["NumPy"] = "it is not on this machine"
    return found, missing


def run(command: list, side: int, rows: int, home: str) -> tuple[float, str]:
    done = subprocess.run([*map(str, command), str(side), str(rows)], capture_output=True, text=True,
                          env={**os.environ, "HOME": home})
    if done.returncode != 0:
        sys.exit(f"{command[0]}: {done.stderr[-1000:]}")
    seconds, checksum = done.stdout.split()
    return float(seconds), checksum


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands, missing = programs(pathlib.Path(folder))
        for name, why in missing.items():
            print(f"NOT MEASURED: {name}: {why}", file=sys.stderr)
        agree(commands, folder)
        rows = {name: min(PLAIN_ROWS if name == "Python" else given.rows, given.side) for name in commands}
        times = {name: [] for name in commands}
        for _ in range(given.rounds):
            for name, command in commands.items():
                times[name].append(run(command, given.side, rows[name], folder)[0])
    lines = [{"language": name, "rows": rows[name], "measured_s": round(harness.median(of), 3),
              "whole_s": round(harness.median(of) * given.side / rows[name], 3),
              "extrapolated": rows[name] != given.side} for name, of in times.items()]
    lines.sort(key=lambda line: -line["whole_s"])
    harness.report("matmul", {"side": given.side, "rounds": given.rounds, "lines": lines, "not_measured": missing},
                   model=None)
    (harness.ROOT / "docs" / "images" / "matmul.svg").write_text(plot(lines, given.side))
    guide = harness.ROOT / "docs" / "guides" / "speed.md"
    before, _, _ = guide.read_text().partition(MARK)
    guide.write_text(before + MARK + table(lines, missing, given.side))


def agree(commands: dict[str, list], folder: str) -> None:
    """Everybody computes the same: a small product first."""
    sums = {name: run(command, 96, 96, folder)[1] for name, command in commands.items()}
    if len(set(sums.values())) != 1:
        sys.exit(f"the checksums differ, so not the same was computed: {sums}")


# ---- the page ------------------------------------------------------------------------------------------

MARK = "<!-- Written by bench/matmul.py from here on. -->\n"


def table(lines: list[dict], missing: dict[str, str], side: int) -> str:
    fastest_wasm = min((line["whole_s"] for line in lines if "wasm" in line["language"]), default=None)
    text = f"\n{side} × {side} doubles on {harness.machine()}:\n\n"
    text += "| | rows computed | measured | whole product | beside the faster wasm |\n|---|---|---|---|---|\n"
    for line in lines:
        mark = " (extrapolated)" if line["extrapolated"] else ""
        ratio = f"{line['whole_s'] / fastest_wasm:.2f}" if fastest_wasm else ""
        text += f"| {line['language']} | {line['rows']} | {line['measured_s']:.2f} s | {line['whole_s']:,.1f} s{mark} | {ratio} |\n"
    text += "".join(f"\nNot measured here: {name}: {why}.\n" for name, why in missing.items())
    return text + "\n![The same figures as bars](../images/matmul.svg)\n"


def plot(lines: list[dict], side: int) -> str:
    """Bars on a logarithmic scale: one is hundreds of times another."""
    left, right, height = 190, 560, 30
    low = min(math.log10(line["whole_s"]) for line in lines) - 0.3
    high = max(math.log10(line["whole_s"]) for line in lines)
    total = 60 + height * len(lines)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {total}" font-family="sans-serif" font-size="14">',
             f'<rect width="760" height="{total}" fill="white"/>',
             f'<text x="10" y="26" font-size="16">{side} × {side} matrix product, seconds (logarithmic)</text>']
    for n, line in enumerate(lines):
        width = max(4, (right - left) * (math.log10(line["whole_s"]) - low) / (high - low))
        y = 46 + n * height
        colour = "#b5651d" if "wasm" in line["language"] else "#8aa0b0"
        about = "about " if line["extrapolated"] else ""
        parts += [f'<text x="{left - 10}" y="{y + 16}" text-anchor="end">{line["language"]}</text>',
                  f'<rect x="{left}" y="{y}" width="{width:.0f}" height="22" fill="{colour}"/>',
                  f'<text x="{left + width + 8:.0f}" y="{y + 16}">{about}{line["whole_s"]:,.1f}</text>']
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
