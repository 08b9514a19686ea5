"""Builds the foreign guests: programs that know nothing of Quern, made by other people's toolchains.

    build("go/tool")      -> path of the wasm file, or raises Missing with what this machine lacks
    python3 tests/guests/build.py [NAME...]     builds them (default: all) and prints the paths

What is built is kept in the machine's cache under the hash of its sources, so that only the first
run pays (componentize-py and componentize-js take half a minute each).
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class Missing(Exception):
    """A toolchain is not on this machine; the text names it."""


def where(part: str) -> pathlib.Path:
    return pathlib.Path(subprocess.check_output([ROOT / "deps" / "where", part], text=True).strip())


def need(program: str, hint: str) -> str:
    """The program from the tests' Python environment, the component tools or PATH."""
    for folder in (where("python") / "bin", where("tools") / "bin"):
        if (folder / program).exists():
            return str(folder / program)
    found = shutil.which(program)
    if not found:
        raise Missing(f"{program} is not on this machine ({hint})")
    return found


def run(command: list, **options) -> None:
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{result.stdout}\n{result.stderr}")


def componentize(core: pathlib.Path, kind: str, out: pathlib.Path) -> None:
    """A core module of WASI 0.1 becomes a component through the adapter for `kind`."""
    adapter = where("guest-wit") / "adapters" / f"wasi_snapshot_preview1.{kind}.wasm"
    if not adapter.exists():
        raise Missing(f"the adapter {adapter} is not there (deps/setup.sh tests)")
    tools = need("wasm-tools", "deps/setup.sh tests")
    run([tools, "component", "new", core, "--adapt", f"wasi_snapshot_preview1={adapter}", "-o", out])


def wit(folder: pathlib.Path) -> pathlib.Path:
    """A folder with world.wit and WASI's own packages, as every maker of bindings reads it."""
    packages = where("guest-wit") / "wit"
    if not packages.exists():
        raise Missing(f"WASI's WIT is not in {packages} (deps/setup.sh tests)")
    shutil.copytree(packages, folder / "wit" / "deps")
    shutil.copy(HERE / "world.wit", folder / "wit")
    return folder / "wit"


# ---- one function a toolchain -----------------------------------------------------------------


def c(file: str):
    def build_it(source: pathlib.Path, out: pathlib.Path) -> None:
        clang = need("clang-19", "Debian: clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32")
        run([clang, "--target=wasm32-wasi", "-O1", "-Wall", "-Werror", "-o", out, source / file])
    return build_it


c_tool = c("tool.c")


def c_component(source: pathlib.Path, out: pathlib.Path) -> None:
    c_tool(source, out.with_suffix(".core"))
    componentize(out.with_suffix(".core"), "command", out)


def go(folder: pathlib.Path, out: pathlib.Path, *flags: str) -> None:
    compiler = need("go", "the tests' Python environment has it: deps/setup.sh tests")
    env = {**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local",
           "GOWORK": "off", "GOPROXY": "off", "GOCACHE": str(out.parent / "go-cache")}
    run([compiler, "build", "-trimpath", *(flags or ["-ldflags=-s -w"]), "-o", out, "."], cwd=folder, env=env)


def go_tool(source: pathlib.Path, out: pathlib.Path) -> None:
    go(source / "tool", out)


def go_component(source: pathlib.Path, out: pathlib.Path) -> None:
    go_tool(source, out.with_suffix(".core"))
    componentize(out.with_suffix(".core"), "command", out)


def python(module: str, world: str):
    def build_it(source: pathlib.Path, out: pathlib.Path) -> None:
        maker = need("componentize-py", "deps/setup.sh tests")
        run([maker, "-d", wit(out.parent), "-w", world, "componentize", "-p", source, module, "-o", out])
    return build_it


def js_web(source: pathlib.Path, out: pathlib.Path) -> None:
    node, npm = need("node", "Debian: nodejs"), need("npm", "Debian: npm")
    for name in ("package.json", "package-lock.json", "build.mjs", "web.js"):
        shutil.copy(source / name, out.parent)
    # Not `npm ci`: it wants every other platform's optional packages in the lock file, too. What the
    # lock file names comes in its version and by its hash here as well.
    run([npm, "install", "--no-save", "--no-audit", "--no-fund", "--silent"], cwd=out.parent)
    run([node, "build.mjs", out.parent / "web.js", wit(out.parent), "service", out], cwd=out.parent)


GUESTS = {
    "c/echo": c("echo.c"),
    "c/tool": c_tool,
    "c/tool-component": c_component,
    "go/tool": go_tool,
    "go/tool-component": go_component,
    "python/tool": python("tool", "command"),
    "python/web": python("web", "service"),
    "js/web": js_web,
}


# The pinned tools that a language's guests depend on, beside their own sources.
PINS = {"c": ["deps/tools.sh"], "go": ["deps/tools.sh", "deps/python.txt"], "js": [], "python": ["deps/python.txt"]}


def key(language: str) -> str:
    """What a guest is made of: its language's sources, this file, and the pinned tools."""
    seen = hashlib.sha256()
    files = [p for p in sorted((HERE / language).rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
    for file in [HERE / "build.py", HERE / "world.wit", *(ROOT / pin for pin in PINS[language]), *files]:
        seen.update(file.read_bytes())
    return seen.hexdigest()[:12]


def build(name: str) -> pathlib.Path:
    """The guest's file, built now when the cache does not have it."""
    language, kind = name.split("/")
    kept = where("cache") / f"guests-{language}-{key(language)}" / f"{kind}.wasm"
    if kept.exists():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="quern-guest-") as scratch:
        made = pathlib.Path(scratch) / "guest.wasm"
        GUESTS[name](HERE / language, made)
        # Another run may be doing the same; the last one wins, each is whole.
        part = kept.with_suffix(f".{os.getpid()}.part")
        shutil.copy(made, part)
        part.rename(kept)
    return kept


if __name__ == "__main__":
    for wanted in sys.argv[1:] or GUESTS:
        try:
            print(build(wanted))
        except Missing as missing:
            print(f"{wanted}: not built: {missing}", file=sys.stderr)
