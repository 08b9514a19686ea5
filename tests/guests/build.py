"""Builds the foreign guests: programs that know nothing of Quern, made by other people's toolchains.

    build("go/tool")                  -> path of the wasm file, or raises Missing with what this machine lacks
    project(QUERN, "rust", "http")    -> the same of a project that this program begins (`quern new`)
    python3 tests/guests/build.py [NAME...]     builds them (default: all) and prints the paths

What is built is kept in the machine's cache under the hash of its sources, so that only the first
run pays (componentize-py and componentize-js take half a minute each, the Rust guests' crates a minute).
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
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


def packages(folder: pathlib.Path, world: pathlib.Path) -> pathlib.Path:
    """A folder with this world and WASI's own packages, as every maker of bindings reads it."""
    wasi = where("guest-wit") / "wit"
    if not wasi.exists():
        raise Missing(f"WASI's WIT is not in {wasi} (deps/setup.sh tests)")
    shutil.copytree(wasi, folder / "wit" / "deps")
    shutil.copy(world, folder / "wit" / "world.wit")
    return folder / "wit"


def wit(folder: pathlib.Path) -> pathlib.Path:
    return packages(folder, HERE / "world.wit")


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


def nn_packages(folder: pathlib.Path, world: pathlib.Path) -> pathlib.Path:
    """The same with WASI-NN's package."""
    package = where("wasi-nn-wit") / "wasi-nn.wit"
    if not package.exists():
        raise Missing(f"WASI-NN's WIT is not in {package.parent} (deps/wasi-nn/wit.sh)")
    all_of_them = packages(folder, world)
    shutil.copy(package, all_of_them / "deps")
    return all_of_them


def c_tensors(source: pathlib.Path, out: pathlib.Path) -> None:
    folder, made = nn_packages(out.parent, source / "tensors.wit"), out.parent / "bindings"
    run([need("wit-bindgen", "deps/setup.sh tests"), "c", "--world", "tensors", folder, "--out-dir", made])
    clang = need("clang-19", "Debian: clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32")
    run([clang, "--target=wasm32-wasi", "-O1", "-nostartfiles", "-I", made, "-o", out.with_suffix(".core"), source / "tensors.c",
         made / "tensors.c", made / "tensors_component_type.o"])
    componentize(out.with_suffix(".core"), "command", out)


def go(folder: pathlib.Path, out: pathlib.Path, *flags: str) -> None:
    compiler = need("go", "the tests' Python environment has it: deps/setup.sh tests")
    env = {**os.environ, "GOOS": "wasip1", "GOARCH": "wasm", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local",
           "GOWORK": "off", "GOPROXY": "off", "GOCACHE": str(out.parent / "go-cache")}
    run([compiler, "build", "-trimpath", *(flags or ["-ldflags=-s -w"]), "-o", out, "."], cwd=folder, env=env)


def go_tool(source: pathlib.Path, out: pathlib.Path) -> None:
    go(source / "tool", out)


def go_nn(source: pathlib.Path, out: pathlib.Path) -> None:
    go(source / "nn", out)


def go_component(source: pathlib.Path, out: pathlib.Path) -> None:
    go_tool(source, out.with_suffix(".core"))
    componentize(out.with_suffix(".core"), "command", out)


@contextlib.contextmanager
def rust_environment(lock_file: pathlib.Path):
    """What cargo needs to make guests of these crates, which are compiled once, whichever guest is asked for first. Held by
    one at a time: another's cargo would leave its own guest under the same name."""
    compiler = where("rust-wasm") / "bin" / "rustc"
    if not compiler.exists():
        raise Missing("there is no Rust for wasm32-wasip1 here (deps/rust-wasm.sh makes it, or says why it cannot)")
    target = where("cache") / f"guests-rust-target-{digest(lock_file, ROOT / 'deps/rust-wasm.sh')}"
    env = {name: text for name, text in os.environ.items() if name not in ("RUSTFLAGS", "RUSTC_WRAPPER")}
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield env | {"RUSTC": str(compiler), "CARGO_TARGET_DIR": str(target)}


def rust(package: str):
    def build_it(source: pathlib.Path, out: pathlib.Path) -> None:
        cargo = need("cargo", "Debian: cargo-web; or rustup")
        with rust_environment(source / "Cargo.lock") as env:
            run([cargo, "build", "--release", "--locked", "--target", "wasm32-wasip1", "-p", package], cwd=source, env=env)
            shutil.copy(pathlib.Path(env["CARGO_TARGET_DIR"]) / "wasm32-wasip1" / "release" / f"{package}.wasm", out)
    return build_it


def rust_component(package: str, kind: str):
    def build_it(source: pathlib.Path, out: pathlib.Path) -> None:
        rust(package)(source, out.with_suffix(".core"))
        componentize(out.with_suffix(".core"), kind, out)
    return build_it


def rust_filter(source: pathlib.Path, out: pathlib.Path) -> None:
    cargo, folder = need("cargo", "Debian: cargo-web; or rustup"), source / "rust"
    with rust_environment(folder / "Cargo.lock") as env:
        run([cargo, "build", "--release", "--locked", "--target", "wasm32-wasip1"], cwd=folder, env=env)
        shutil.copy(pathlib.Path(env["CARGO_TARGET_DIR"]) / "wasm32-wasip1" / "release" / "filter.wasm", out)


def go_filter(source: pathlib.Path, out: pathlib.Path) -> None:
    go(source / "go", out, "-buildmode=c-shared", "-ldflags=-s -w")


def wat(file: str):
    def build_it(source: pathlib.Path, out: pathlib.Path) -> None:
        run([need("wasm-tools", "deps/setup.sh tests"), "parse", source / file, "-o", out])
    return build_it


def python(module: str, world: str):
    def build_it(source: pathlib.Path, out: pathlib.Path) -> None:
        maker = need("componentize-py", "deps/setup.sh tests")
        run([maker, "-d", wit(out.parent), "-w", world, "componentize", "-p", source, module, "-o", out])
    return build_it


def drafts(source: pathlib.Path, out: pathlib.Path) -> None:
    maker = need("componentize-py", "deps/setup.sh tests")
    made = packages(out.parent, source / "world.wit")
    for package in ("keyvalue.wit", "config.wit"):
        shutil.copy(source / package, made / "deps")
    run([maker, "-d", made, "-w", "drafts", "componentize", "-p", source, "keeper", "-o", out])


def python_vectors(source: pathlib.Path, out: pathlib.Path) -> None:
    maker = need("componentize-py", "deps/setup.sh tests")
    folder = nn_packages(out.parent, source / "vectors.wit")
    run([maker, "-d", folder, "-w", "vectors", "componentize", "-p", source, "vectors", "-o", out])


def python_ask(source: pathlib.Path, out: pathlib.Path) -> None:
    maker = need("componentize-py", "deps/setup.sh tests")
    made = packages(out.parent, source / "ask.wit")
    shutil.copytree(ROOT / "wit" / "quern-llm", made / "deps" / "quern-llm")
    run([maker, "-d", made, "-w", "ask", "componentize", "-p", source, "ask", "-o", out])


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
    "c/nn": c("nn.c"),
    "c/tensors": c_tensors,
    "c/tool": c_tool,
    "c/tool-component": c_component,
    # Filters of log records, made for Fluent Bit.
    "filters/go": go_filter,
    "filters/rust": rust_filter,
    "go/nn": go_nn,
    "go/tool": go_tool,
    "go/tool-component": go_component,
    "python/ask": python_ask,
    "python/tool": python("tool", "command"),
    "python/vectors": python_vectors,
    "python/web": python("web", "service"),
    "drafts/keeper": drafts,
    "js/web": js_web,
    "rust/tool": rust("tool"),
    "rust/tool-component": rust_component("tool", "command"),
    "rust/web": rust_component("web", "proxy"),
    # Programs for WasmEdge, made with its own crates.
    "rust/http-server": rust("http-server"),
    "rust/nn-basic": rust("nn-basic"),
    "rust/nn-embedding": rust("nn-embedding"),
    "rust/nn-metadata": rust("nn-metadata"),
    "rust/nn-sockets": rust("nn-sockets"),
    "rust/nn-stream": rust("nn-stream"),
    # Programs on LlamaEdge's crates.
    "llamaedge/chat": rust("chat"),
    "llamaedge/notes": rust("notes"),
    "llamaedge/server": rust("server"),
    # An app for Spin, made with its SDK.
    "spin/app": rust_component("app", "proxy"),
    # The same interface through the crate of its own makers.
    "rust/nn-tensors": rust("nn-tensors"),
    # Components of a few lines, in WebAssembly's own text.
    "wat/logging": wat("logging.wat"),
    "wat/overlapping_buffers": wat("overlapping_buffers.wat"),
    "wat/own_limit": wat("own_limit.wat"),
    "wat/unfit": wat("unfit.wat"),
}


# The pinned tools that a language's guests depend on, beside their own sources.
PINS = {"c": ["deps/tools.sh", "deps/wasi-nn/Cargo.lock"], "drafts": ["deps/python.txt"],
        "filters": ["deps/rust-wasm.sh", "deps/python.txt"], "go": ["deps/tools.sh", "deps/python.txt"], "js": [],
        "llamaedge": ["deps/tools.sh", "deps/rust-wasm.sh"],
        "python": ["deps/python.txt", "deps/wasi-nn/Cargo.lock", "wit/quern-llm/llm.wit"],
        "rust": ["deps/tools.sh", "deps/rust-wasm.sh"], "spin": ["deps/tools.sh", "deps/rust-wasm.sh"],
        "wat": ["deps/tools.sh"]}


def digest(*files: pathlib.Path) -> str:
    seen = hashlib.sha256()
    for file in files:
        seen.update(file.read_bytes())
    return seen.hexdigest()[:12]


def key(language: str) -> str:
    """What a guest is made of: its language's sources, this file, and the pinned tools."""
    files = [p for p in sorted((HERE / language).rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
    return digest(HERE / "build.py", HERE / "world.wit", *(ROOT / pin for pin in PINS[language]), *files)


def kept(name: str, make) -> pathlib.Path:
    """The folder of this name in the cache; make(folder) fills it when it is not there."""
    folder = where("cache") / name
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=folder.parent) as scratch:
        made = pathlib.Path(scratch) / "made"
        made.mkdir()
        make(made)
        # Another run may be doing the same; the first one wins, each is whole.
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return folder


def build(name: str) -> pathlib.Path:
    """The guest's file, built now when the cache does not have it."""
    language, kind = name.split("/")

    def make(folder: pathlib.Path) -> None:
        with tempfile.TemporaryDirectory(prefix="quern-guest-") as scratch:
            made = pathlib.Path(scratch) / "guest.wasm"
            GUESTS[name](HERE / language, made)
            shutil.copy(made, folder / f"{kind}.wasm")

    return kept(f"guests-{language}-{kind}-{key(language)}", make) / f"{kind}.wasm"


# ---- projects of `quern new` -----------------------------------------------------------------


@contextlib.contextmanager
def plain_environment(_: pathlib.Path):
    yield dict(os.environ)


@contextlib.contextmanager
def go_environment(_: pathlib.Path):
    """Only what is on this machine: the project needs no module of others."""
    yield {**os.environ, "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOPROXY": "off"}


@contextlib.contextmanager
def npm_environment(folder: pathlib.Path):
    """What npm fetches comes in the versions and by the hashes of this lock file."""
    shutil.copy(HERE / "js" / "package-lock.json", folder)
    yield dict(os.environ)


SETUP = "deps/setup.sh tests"
# What a project of a language is built with: its tools, where they come from, and their environment.
PROJECTS = {
    "cpp": ({"clang++-19": "Debian: clang-19 lld-19 libc++-19-dev-wasm32", "make": "Debian: make", "wasm-tools": SETUP,
             "wit-bindgen": SETUP}, plain_environment),
    "go": ({"go": "the tests' Python environment has it: deps/setup.sh tests", "make": "Debian: make", "wasm-tools": SETUP},
           go_environment),
    "js": ({"node": "Debian: nodejs", "npm": "Debian: npm"}, npm_environment),
    "python": ({"componentize-py": SETUP}, plain_environment),
    "rust": ({"cargo": "Debian: cargo-web; or rustup", "make": "Debian: make", "wasm-tools": SETUP},
             lambda folder: rust_environment(folder / "Cargo.lock")),
}


def project(quern: str, language: str, kind: str) -> pathlib.Path:
    """A fresh project of `quern new`, built by the command that it prints."""
    tools, environment = PROJECTS[language]
    found = {str(pathlib.Path(need(tool, hint)).parent) for tool, hint in tools.items()}
    with tempfile.TemporaryDirectory(prefix="quern-project-") as scratch:
        begun = subprocess.run([quern, "new", "--lang", language, "--kind", kind, "app"], cwd=scratch, check=True,
                               capture_output=True, text=True)
        command = re.search(r"cd app && (.*)", begun.stdout).group(1)
        folder = pathlib.Path(scratch) / "app"
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".md"]

        def make(kept_in: pathlib.Path) -> None:
            with environment(folder) as env:
                env = env | {"PATH": ":".join([*sorted(found), env["PATH"]])}
                run(["sh", "-euc", command], cwd=folder, env=env)
            shutil.copy(folder / "app.wasm", kept_in)

        pins = [HERE / "js" / "package-lock.json", *(ROOT / "deps" / name for name in ("tools.sh", "python.txt", "rust-wasm.sh"))]
        return kept(f"projects-{language}-{kind}-{digest(*pins, *files)}", make) / "app.wasm"


if __name__ == "__main__":
    for wanted in sys.argv[1:] or GUESTS:
        try:
            print(build(wanted))
        except Missing as missing:
            print(f"{wanted}: not built: {missing}", file=sys.stderr)
