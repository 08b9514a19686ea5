#!/usr/bin/env python3
"""What a record costs on its way through a component and back: records per processor second, the best of fifteen tries of
20,000 lines of BGL's length, by src/plugins/component_bench. `keep` says of each that it goes on; the others are the projects of
`quern new --kind filter`, which parse, add a field and write."""

import subprocess
import sys

import harness

sys.path[:0] = [str(harness.ROOT / "tests" / "guests")]
import build  # noqa: E402

LANGUAGES = ["rust", "cpp", "go", "js", "python"]


def main() -> None:
    files = {"keep": harness.BUILD / "guests/hostile/log_filter.wasm"}
    for language in LANGUAGES:
        try:
            files[language] = build.project(str(harness.QUERN), language, "filter")
        except build.Missing as missing:
            print(f"{language}: not measured: {missing}", file=sys.stderr)
    subprocess.run(["ninja", "-C", harness.BUILD, "component_bench", "hostile_guests"], check=True, stdout=subprocess.DEVNULL)
    said = subprocess.check_output([harness.BUILD / "src/plugins/component_bench", *files.values()], text=True)
    print(said, file=sys.stderr)
    rates = [int(line.split(" ns a record")[1].split()[0]) for line in said.splitlines()]
    harness.report("components", dict(zip(["written", *files], rates, strict=True)), model=None)


if __name__ == "__main__":
    main()
