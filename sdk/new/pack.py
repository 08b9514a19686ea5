#!/usr/bin/env python3
"""Packs the projects of `quern new` for the program; src/cli/templates.hpp says in which form.

    sdk/new/pack.py --wasi $(deps/where guest-wit) --out FILE [--depfile FILE.d]

A project is what its language and kind bring (sdk/new/LANGUAGE), the layer on quern:llm (sdk/LANGUAGE), the WIT that
bindings are made from, and for languages whose compiler makes modules the adapter that makes a component of them.
"""

import argparse
import json
import pathlib

NEW = pathlib.Path(__file__).resolve().parent
SDK = NEW.parent
ROOT = SDK.parent

MODEL = "smollm2-135m-instruct"
RUN = {"http": f"quern serve --model {MODEL} @NAME@.wasm",
       "command": f'quern run --model {MODEL} @NAME@.wasm "Why is the sky blue?"',
       "filter": "quern pipe test pipe.toml"}
SHARED_PYTHON = ("_errors", "_reply", "_rounds", "_schema", "_tools")


def tree(folder: pathlib.Path, into: str = "") -> dict[str, pathlib.Path]:
    """Every file below a folder, by its path in the project."""
    return {into + str(path.relative_to(folder)): path for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts}


def layer(folder: pathlib.Path, into: str, kind: str) -> dict[str, pathlib.Path]:
    """A language's layer, without what only programs of other kinds use."""
    others = RUN.keys() - {kind}
    return {path: file for path, file in tree(folder, into).items() if file.stem not in others}


def python(kind: str) -> dict[str, pathlib.Path]:
    shared = {f"quern/{name}.py": SDK / "python" / "quern" / f"{name}.py" for name in SHARED_PYTHON}
    return {**layer(SDK / "python" / "guest", "quern/", kind), **shared}


def rust(kind: str) -> dict[str, pathlib.Path]:
    return layer(SDK / "rust", "quern/", kind)


def cpp(kind: str) -> dict[str, pathlib.Path]:
    return layer(SDK / "cpp" / "quern", "include/quern/", kind)


def js(kind: str) -> dict[str, pathlib.Path]:
    return layer(SDK / "js", "quern/", kind)


def go(kind: str) -> dict[str, pathlib.Path]:
    return layer(SDK / "go", "quern/", kind)


# By language: the layer's files, the command that builds, and whether the compiler leaves a module.
LANGUAGES = {
    "cpp": (cpp, "make", True),
    "go": (go, "make", True),
    "js": (js, "npm install && npm run build", False),
    "python": (python, "componentize-py -d wit -w @KIND@ componentize app -o @NAME@.wasm", False),
    "rust": (rust, "make", True),
}
ADAPTERS = {"http": "proxy", "command": "command", "filter": "reactor"}


def without_comments(wit: str) -> str:
    """WASI's own WIT is read by tools here; its words stand at https://wasi.dev."""
    lines = (line.split("//")[0].rstrip() for line in wit.splitlines())
    return "".join(line + "\n" for line in lines if line)


def readme(language: str, kind: str, build: str) -> str:
    parts = {"@NEEDS@": (NEW / language / "NEEDS.md").read_text().strip(), "@BUILD@": build, "@RUN@": RUN[kind],
             "@TRY@": (NEW / f"{kind}.md").read_text().strip()}
    text = (NEW / "README.md").read_text()
    for place, part in parts.items():
        text = text.replace(place, part)
    return text


class Archive:
    def __init__(self) -> None:
        self.files: dict[str, list[int]] = {}
        self.bytes = b""
        self.read: set[pathlib.Path] = set()

    def add(self, key: str, content: bytes) -> str:
        if key not in self.files:
            self.files[key] = [len(self.bytes), len(content)]
            self.bytes += content
        return key

    def add_file(self, path: pathlib.Path) -> str:
        self.read.add(path)
        key = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        content = path.read_bytes()
        if path.suffix == ".wit" and not path.is_relative_to(ROOT):
            content = without_comments(content.decode()).encode()
        return self.add(key, content)


def project(archive: Archive, language: str, kind: str, wasi: pathlib.Path) -> dict:
    layer_of, build, makes_module = LANGUAGES[language]
    build = build.replace("@KIND@", kind)
    files = layer_of(kind) | tree(NEW / language / kind)
    if (NEW / language / "both").is_dir():
        files |= tree(NEW / language / "both")
    files |= {f"wit/deps/{path.name}": path for path in sorted((wasi / "wit").glob("*.wit"))}
    if kind == "filter":
        files |= {"pipe.toml": NEW / "filter.toml", "wit/deps/quern-log/log.wit": ROOT / "wit" / "quern-log" / "log.wit"}
    files |= {"wit/world.wit": NEW / "wit" / ("filter.wit" if kind == "filter" else "world.wit"),
              "wit/deps/quern-llm/llm.wit": ROOT / "wit" / "quern-llm" / "llm.wit",
              ".gitignore": NEW / language / "gitignore"}
    if makes_module:
        files["adapter.wasm"] = wasi / "adapters" / f"wasi_snapshot_preview1.{ADAPTERS[kind]}.wasm"
    keys = {path: archive.add_file(file) for path, file in files.items()}
    keys["README.md"] = archive.add(f"README {language} {kind}", readme(language, kind, build).encode())
    archive.read |= {NEW / "README.md", NEW / f"{kind}.md", NEW / language / "NEEDS.md"}
    return {"files": dict(sorted(keys.items())), "build": build, "run": RUN[kind]}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--wasi", type=pathlib.Path, required=True)
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--depfile", type=pathlib.Path)
    options = arguments.parse_args()

    archive = Archive()
    projects = {f"{language}/{kind}": project(archive, language, kind, options.wasi)
                for language in LANGUAGES for kind in RUN}
    index = json.dumps({"files": archive.files, "projects": projects}, separators=(",", ":")).encode()
    options.out.write_bytes(b"%d\n" % len(index) + index + archive.bytes)
    if options.depfile:
        # Folders too: a file that is added is packed.
        archive.read |= {folder for folder in [SDK, *SDK.rglob("*")] if folder.is_dir() and folder.name != "__pycache__"}
        options.depfile.write_text(f"{options.out}: {' '.join(map(str, sorted(archive.read)))}\n")


if __name__ == "__main__":
    main()
