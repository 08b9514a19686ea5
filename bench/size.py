#!/usr/bin/env python3
"""Disk that a user needs beside weights: everything in the installed tree, as `make dist` ships it."""

import subprocess

import harness


def main() -> None:
    subprocess.run([harness.ROOT / "tools" / "dist", harness.BUILD], check=True, stdout=subprocess.DEVNULL)
    tree = next((harness.ROOT / "dist").glob("quern-*-linux-*/"))
    files = {str(p.relative_to(tree)): p.stat().st_size for p in sorted(tree.rglob("*")) if p.is_file() and not p.is_symlink()}
    harness.report("size", {"total_mb": round(sum(files.values()) / 1e6, 1), "files_bytes": files})


if __name__ == "__main__":
    main()
