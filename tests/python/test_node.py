"""The Node package: its own tests on the library of the build, and the package as npm gets it."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import BUILD, PATIENCE_S, ROOT

PACKAGE = ROOT / "sdk" / "node"


@pytest.fixture(scope="module")
def modules() -> pathlib.Path:
    """koffi, as package-lock.json pins it."""
    if not shutil.which("npm") or int(subprocess.check_output(["node", "-p", "parseInt(process.versions.node)"])) < 20:
        pytest.skip("NOT TESTED: Node 20 and npm are missing")
    modules = PACKAGE / "node_modules"
    lock = modules / ".package-lock.json"
    if not lock.exists() or lock.stat().st_mtime < (PACKAGE / "package-lock.json").stat().st_mtime:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PACKAGE, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return modules


def node(*words: object, cwd: pathlib.Path, **env: str) -> str:
    done = subprocess.run(["node", *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S,
                          env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(modules, weights):
    said = node("--test", "test/", cwd=PACKAGE, QUERN_TEST_WEIGHTS=str(weights))
    assert "# fail 0" in said and "# skipped 0" in said, said


def test_the_package_brings_its_library(modules, tmp_path):
    subprocess.run([ROOT / "tools" / "npm-package", BUILD, tmp_path], check=True, stdout=subprocess.DEVNULL)
    [archive] = tmp_path.glob("quern-*.tgz")
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "package").rename(tmp_path / "node_modules" / "quern")
    for part in ("koffi", "@koromix"):
        (tmp_path / "node_modules" / part).symlink_to(modules / part)
    (tmp_path / "program.mjs").write_text("""import { fake, version } from "quern";
        const llm = await fake([{ say: ["from the package"] }]);
        console.log(JSON.stringify([(await llm.chat("Hi")).text, version()]));""")
    said = node("program.mjs", cwd=tmp_path, QUERN_LIBRARY="")
    declared = json.loads((PACKAGE / "package.json").read_text())["version"]
    assert json.loads(said) == ["from the package", declared]


def test_every_option_is_declared(modules):
    """quern.d.ts names what quern.js takes."""
    known = node("-e", """import("./quern.js").then(async ({ fake }) => {
        const llm = await fake([{ say: ["x"] }]);
        try { llm.stream("Hi", { nonsense: 1 }); } catch (error) { console.log(error.message); } });""",
                 cwd=PACKAGE, QUERN_LIBRARY=str(BUILD / "lib" / "libquern.so")).split("there are ")[1]
    declared = (PACKAGE / "quern.d.ts").read_text()
    missing = [name for name in known.strip().split(", ") if f"{name}?:" not in declared]
    assert not missing
