#!/usr/bin/env python3
"""Runs the official WASI test suite (github.com/WebAssembly/wasi-testsuite) through `quern run`.

    tests/conformance/suite.py SUITE [--quern build/release/bin/quern] [--table docs/conformance.md]

SUITE is a checkout of a branch with built programs, `prod/testsuite-base`; nothing of it is kept
here. Every NAME.wasm below it is a case; NAME.json beside it, where there is one, says what it is
given and what must come out (the suite's own doc/specification.md). A case runs in a fresh copy of
the directory that it names.

known_failures.txt lists the cases that fail, with the reason. It can only shrink: the run fails when
another case fails, and as well when a listed one passes or is gone.
"""

import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PATIENCE_S = 60

# Versions of WASI that are run, and why the others are not.
RUN = {"wasm32-wasip1", "wasm32-wasip2"}
SKIPPED = {
    "wasm32-wasip3": "WASI 0.3 is not offered",
    "proposals": "a proposal that WASI withdrew (threads)",
}


@dataclasses.dataclass
class Case:
    name: str  # "rust/wasm32-wasip1/fd_advise"
    program: pathlib.Path
    version: str  # "wasm32-wasip1", or "proposals"
    args: list[str] = dataclasses.field(default_factory=list)
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    root: pathlib.Path | None = None
    stdin: str = ""
    expected: dict[str, str] = dataclasses.field(default_factory=dict)  # by stream; one not named is free
    exit_code: int = 0
    unknown: list[str] = dataclasses.field(default_factory=list)  # what the specification asks of us in vain


# ---- reading the suite ------------------------------------------------------------------------------


def find_cases(suite: pathlib.Path) -> list[Case]:
    programs = sorted(p for p in suite.rglob("*.wasm") if ".git" not in p.parts)
    return [read_case(suite, program) for program in programs]


def read_case(suite: pathlib.Path, program: pathlib.Path) -> Case:
    # tests/rust/testsuite/wasm32-wasip1/fd_advise.wasm
    words = [word for word in program.relative_to(suite).with_suffix("").parts if word not in ("tests", "testsuite")]
    version = "proposals" if "proposals" in words else next((w for w in words if w.startswith("wasm32-")), "")
    manifest = program.parent / "manifest.json"
    if not version and manifest.exists():
        version = json.loads(manifest.read_text()).get("version", "")
    case = Case("/".join(words), program, version or "wasm32-wasip1")
    specification = program.with_suffix(".json")
    if specification.exists():
        read_specification(case, json.loads(specification.read_text()))
    return case


def read_specification(case: Case, spec: dict) -> None:
    """Both of the suite's forms: one flat object, or a list of operations."""
    if "operations" not in spec:
        read_start(case, spec)
        case.expected = {stream: spec[stream] for stream in ("stdout", "stderr") if spec.get(stream) is not None}
        case.exit_code = spec.get("exit_code", 0)
        case.unknown = sorted(set(spec) - {"args", "env", "root", "stdout", "stderr", "exit_code"})
        return
    case.unknown = sorted(set(spec) - {"operations", "debug"})
    for operation in spec["operations"]:
        kind = operation.get("type")
        if kind == "run":
            read_start(case, operation)
        elif kind == "write":
            case.stdin += operation.get("payload", "")
        elif kind == "read":
            stream = operation.get("id", "stdout")
            case.expected[stream] = case.expected.get(stream, "") + operation.get("payload", "")
        elif kind == "wait":
            case.exit_code = operation.get("exit_code", 0)
        else:
            case.unknown.append(f"operation {kind}")


def read_start(case: Case, start: dict) -> None:
    case.args = start.get("args", [])
    case.env = start.get("env", {})
    case.root = case.program.parent / start["root"] if start.get("root") else None


# ---- running ------------------------------------------------------------------------------------------


def run_case(quern: pathlib.Path, case: Case, cache: pathlib.Path) -> str:
    """What is wrong, or ""."""
    if case.unknown:
        return f"the specification asks for what this runner does not know: {', '.join(case.unknown)}"
    with tempfile.TemporaryDirectory(prefix="quern-suite-") as scratch:
        options = [word for name, value in case.env.items() for word in ("--env", f"{name}={value}")]
        if case.root:
            root = pathlib.Path(scratch) / "root"
            shutil.copytree(case.root, root, symlinks=True)
            options += ["--dir", f"{root}::/"]
        environment = {"HOME": scratch, "XDG_CACHE_HOME": str(cache), "PATH": os.environ["PATH"]}
        try:
            ended = subprocess.run([str(quern), "run", *options, str(case.program), *case.args],
                                   input=case.stdin.encode(), capture_output=True, env=environment,
                                   cwd=scratch, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            return f"it did not end within {PATIENCE_S} s"
    return judge(case, ended)


def judge(case: Case, ended: subprocess.CompletedProcess) -> str:
    out = {"stdout": ended.stdout.decode(errors="replace"), "stderr": ended.stderr.decode(errors="replace")}
    if ended.returncode != case.exit_code:
        last = out["stderr"].strip() or out["stdout"].strip()
        return f"exit code {ended.returncode}, not {case.exit_code}: {last[-300:]}"
    for stream, expected in case.expected.items():
        if out[stream] != expected:
            return f"{stream} is {out[stream][:100]!r}, not {expected!r}"
    return ""


def run_all(quern: pathlib.Path, cases: list[Case]) -> dict[str, str]:
    """What is wrong with each case that is run; "" where nothing is."""
    ours = [case for case in cases if case.version in RUN]
    with tempfile.TemporaryDirectory(prefix="quern-suite-cache-") as cache:
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            return dict(zip((case.name for case in ours),
                            pool.map(lambda case: run_case(quern, case, pathlib.Path(cache)), ours)))


# ---- the verdict ----------------------------------------------------------------------------------------


def read_known(file: pathlib.Path) -> dict[str, str]:
    """"NAME: REASON" a line; '#' begins a comment."""
    known = {}
    for line in file.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(": ")
            if not reason:
                sys.exit(f"{file}: {line!r} has no reason")
            known[name] = reason
    return known


def complaints(wrong: dict[str, str], known: dict[str, str]) -> list[str]:
    new = [f"{name} fails: {what}" for name, what in wrong.items() if what and name not in known]
    mended = [f"{name} passes: take it off the list of known failures" for name in known if wrong.get(name) == ""]
    gone = [f"{name} is on the list of known failures and not in the suite" for name in known if name not in wrong]
    return new + mended + gone


def revision(suite: pathlib.Path, cases: list[Case]) -> str:
    seen = hashlib.sha256()
    for case in cases:
        seen.update(case.name.encode() + b"\0" + case.program.read_bytes())
    commit = subprocess.run(["git", "-C", str(suite), "rev-parse", "HEAD"], capture_output=True, text=True)
    text = f"programs sha256:{seen.hexdigest()}"
    return f"commit {commit.stdout.strip()}, {text}" if commit.returncode == 0 else text


def table(cases: list[Case], wrong: dict[str, str], known: dict[str, str], of: str) -> str:
    lines = ["# Conformance", "",
             "What the [official WASI test suite](https://github.com/WebAssembly/wasi-testsuite) says of `quern run`.",
             "Written by `make conformance SUITE=DIR`, where DIR is a checkout of its branch `prod/testsuite-base`",
             f"({of}).", "",
             "| group | cases | passed | failed | skipped |", "|---|---|---|---|---|"]
    groups = sorted({case.name.rpartition("/")[0] for case in cases})
    for group in groups:
        names = [case.name for case in cases if case.name.rpartition("/")[0] == group]
        ran = [name for name in names if name in wrong]
        failed = [name for name in ran if wrong[name]]
        lines.append(f"| {group} | {len(names)} | {len(ran) - len(failed)} | {len(failed)} | {len(names) - len(ran)} |")
    ran, failed = len(wrong), sum(bool(what) for what in wrong.values())
    lines += ["", f"**{ran - failed} of {ran} cases that are run pass "
              f"({100 * (ran - failed) / max(ran, 1):.1f} %).**", "", "## Failed", ""]
    told = [f"- `{name}`: {known.get(name, one_line(what))}" for name, what in wrong.items() if what]
    lines += told or ["None."]
    lines += ["", "## Skipped", ""]
    for version in sorted({case.version for case in cases} - RUN):
        names = [case.name.rpartition("/")[2] for case in cases if case.version == version]
        reason = SKIPPED.get(version, "a version that this runner does not know")
        lines.append(f"- {version}, {len(names)} cases: {reason}. `{'` `'.join(names)}`")
    if lines[-1] == "":
        lines.append("None.")
    return "\n".join(lines) + "\n"


def one_line(text: str) -> str:
    return " ".join(text.split())


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the official WASI test suite through `quern run`.")
    parser.add_argument("suite", type=pathlib.Path, help="a checkout of wasi-testsuite with built programs")
    parser.add_argument("--quern", type=pathlib.Path, default=ROOT / "build" / "release" / "bin" / "quern")
    parser.add_argument("--known", type=pathlib.Path, default=HERE / "known_failures.txt")
    parser.add_argument("--table", type=pathlib.Path, help="write the table here")
    given = parser.parse_args()
    cases = find_cases(given.suite)
    if not any(case.version in RUN for case in cases):
        sys.exit(f"{given.suite}: no programs of WASI 0.1 or 0.2 in it (the branch with them is prod/testsuite-base)")
    known = read_known(given.known)
    wrong = run_all(given.quern.resolve(), cases)
    if given.table:
        given.table.write_text(table(cases, wrong, known, revision(given.suite, cases)))
    found = complaints(wrong, known)
    for line in found:
        print(line, file=sys.stderr)
    failed = sum(bool(what) for what in wrong.values())
    print(f"{len(wrong) - failed} of {len(wrong)} cases pass, {failed - len([f for f in found if ' fails: ' in f])} fail "
          f"as known, {len(cases) - len(wrong)} are skipped")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
