#!/usr/bin/env python3
"""Writes the page's files as a C++ table for assets.hpp.

Each text file is kept three times: as it is, with gzip and with brotli (where the `brotli` program
is there), so that the guest never compresses. What compression does not make smaller by a tenth
is kept only as it is. The bytes enter by #embed, which costs the compiler next to nothing.
"""

import argparse
import gzip
import hashlib
import pathlib
import re
import shutil
import subprocess

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}
COMPRESSED_ALREADY = {".png", ".ico", ".woff2"}
# Vite's form: name-HASH.ext with eight letters.
HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.[a-z0-9]+$")


def variants(path: pathlib.Path) -> dict[str, bytes]:
    plain = path.read_bytes()
    result = {"plain": plain}
    if path.suffix in COMPRESSED_ALREADY:
        return result
    result["gzip"] = gzip.compress(plain, 9, mtime=0)
    if shutil.which("brotli"):
        result["brotli"] = subprocess.run(
            ["brotli", "-q", "11", "-c", str(path)], check=True, stdout=subprocess.PIPE
        ).stdout
    return {name: data for name, data in result.items()
            if name == "plain" or len(data) < 0.9 * len(plain)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--page", type=pathlib.Path, required=True)
    arguments.add_argument("--placeholder", type=pathlib.Path, required=True)
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--depfile", type=pathlib.Path, required=True)
    options = arguments.parse_args()

    built = (options.page / "index.html").exists()
    page = options.page if built else options.placeholder
    folder = options.out.parent / "assets"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    data, rows = [], []
    files = sorted(p for p in page.rglob("*") if p.is_file() and p.suffix in TYPES)
    for number, path in enumerate(files):
        fields = {}
        for name, content in variants(path).items():
            blob = folder / f"{number}.{name}"
            blob.write_bytes(content)
            symbol = f"k{name.capitalize()}{number}"
            data.append(f'constexpr char {symbol}[] = {{\n#embed "{blob}"\n}};')
            fields[name] = f"text({symbol})"
        etag = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        hashed = "true" if HASHED.search(path.name) else "false"
        rows.append(
            f'    Asset{{.path = "/{path.relative_to(page).as_posix()}", '
            f'.content_type = "{TYPES[path.suffix]}", .etag = "\\"{etag}\\"", '
            f".hashed_name = {hashed}, .plain = {fields['plain']}, "
            f".gzip = {fields.get('gzip', '{}')}, .brotli = {fields.get('brotli', '{}')}}},"
        )

    options.out.write_text(f"""\
// Made by embed_assets.py from {page.name}/. Not to be edited.
#pragma clang diagnostic ignored "-Wc23-extensions"
#include "asset_table.hpp"

namespace quern::chat {{
namespace {{

template <std::size_t kSize>
std::string_view text(const char (&bytes)[kSize]) {{
  return {{bytes, kSize}};
}}

{chr(10).join(data)}

}}  // namespace

std::span<const Asset> asset_table() {{
  static const Asset kAssets[] = {{
{chr(10).join(rows)}
  }};
  return kAssets;
}}

}}  // namespace quern::chat
""")
    # The folders count too: they change when files come or go.
    watched = [str(p) for p in [options.page, options.page.parent, *page.rglob("*")] if p.exists()]
    options.depfile.write_text(f"{options.out}: " + " ".join(watched) + "\n")


if __name__ == "__main__":
    main()
