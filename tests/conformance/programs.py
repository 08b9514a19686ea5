"""Builds the conformance programs: small, table-driven, each prints the checks that fail by name.

    folder("p1")     -> a folder with NAME.wasm for each C source of p1/: every call of WASI 0.1
    folder("p2")     -> as well; NAME.core is the module inside, bindings/ what it was compiled with
    folder("go")     -> program.wasm: Go's standard library over WASI 0.1
    folder("random") -> wanderer.wasm, which calls what its seed chooses; component.wasm, the same over WASI 0.2;
                        unstable.wasm, over what came before WASI 0.1

Kept in the machine's cache under the hash of their sources, as tests/guests/build.py keeps its own.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "guests"))

from build import Missing, go, kept, need, packages, run, where  # noqa: E402, F401

WARNINGS = ["-O1", "-Wall", "-Wextra", "-Werror"]
TOOLCHAIN = "Debian: clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32"


def p1(out: pathlib.Path) -> None:
    clang = need("clang-19", TOOLCHAIN)
    for source in sorted((HERE / "p1").glob("*.c")):
        run([clang, "--target=wasm32-wasi", *WARNINGS, source, "-o", out / f"{source.stem}.wasm"])


def p2(out: pathlib.Path) -> None:
    clang = need("clang-19", TOOLCHAIN)
    bindgen, tools = (need(name, "deps/setup.sh tests") for name in ("wit-bindgen", "wasm-tools"))
    adapter = where("guest-wit") / "adapters" / "wasi_snapshot_preview1.reactor.wasm"
    bindings = out / "bindings"
    run([bindgen, "c", packages(out, HERE / "p2" / "world.wit"), "--world", "checks", "--out-dir", bindings])
    compiler = [clang, "--target=wasm32-wasi", "-I", bindings]
    run([*compiler, "-O1", "-c", bindings / "checks.c", "-o", out / "checks.o"])
    for source in sorted((HERE / "p2").glob("*.c")):
        core = out / f"{source.stem}.core"
        run([*compiler, *WARNINGS, "-mexec-model=reactor", source, out / "checks.o",
             bindings / "checks_component_type.o", "-o", core])
        run([tools, "component", "new", core, "--adapt", f"wasi_snapshot_preview1={adapter}",
             "-o", out / f"{source.stem}.wasm"])


def go_program(out: pathlib.Path) -> None:
    go(HERE / "go", out / "program.wasm")
    shutil.rmtree(out / "go-cache", ignore_errors=True)


def random(out: pathlib.Path) -> None:
    clang, tools = need("clang-19", TOOLCHAIN), need("wasm-tools", "deps/setup.sh tests")
    adapter = where("guest-wit") / "adapters" / "wasi_snapshot_preview1.command.wasm"
    module = out / "wanderer.wasm"
    run([clang, "--target=wasm32-wasi", *WARNINGS, HERE / "random" / "wanderer.c", "-o", module])
    run([tools, "component", "new", module, "--adapt", f"wasi_snapshot_preview1={adapter}", "-o", out / "component.wasm"])
    text = subprocess.check_output([tools, "print", module], text=True)
    (out / "unstable.wat").write_text(text.replace("wasi_snapshot_preview1", "wasi_unstable"))
    run([tools, "parse", out / "unstable.wat", "-o", out / "unstable.wasm"])


MAKERS = {"p1": p1, "p2": p2, "go": go_program, "random": random}


def folder(name: str) -> pathlib.Path:
    seen = hashlib.sha256()
    pins = [HERE.parents[1] / "deps" / pin for pin in ("tools.sh", "guest-wit.sh", "python.txt")]
    for file in [HERE / "programs.py", HERE / "check.h", *pins, *sorted((HERE / name).iterdir())]:
        seen.update(file.read_bytes())
    return kept(f"conformance-{name}-{seen.hexdigest()[:12]}", MAKERS[name])


def imports(module: pathlib.Path) -> set[tuple[str, str]]:
    """What a core module imports: (module, name) of each function."""
    data, at = module.read_bytes(), 8

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def name() -> str:
        nonlocal at
        length = number()
        at += length
        return data[at - length:at].decode()

    found = set()
    while at < len(data):
        section, size = data[at], 0
        at += 1
        size = number()
        end = at + size
        if section == 2:
            for _ in range(number()):
                entry = (name(), name())
                kind, at = data[at], at + 1
                if kind != 0:
                    raise ValueError(f"{module}: {entry} is no function")
                number()
                found.add(entry)
        at = end
    return found
