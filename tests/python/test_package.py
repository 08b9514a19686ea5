"""The wheel as a user installs it, and the guide as a user reads it."""

import functools
import os
import re
import subprocess
import sys
import zipfile

import pytest

import quern
from conftest import BUILD, PATIENCE_S, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([ROOT / "tools" / "wheel", BUILD, folder], check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_works_in_a_fresh_environment(wheel, weights, tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin" / "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel], check=True)
    program = f"""
import sys, quern
with quern.load({str(weights)!r}, threads=1, context_tokens=256) as llm:
    print(quern.__version__, llm.chat("Hi", max_tokens=4, temperature=0).usage.completion_tokens)
mapped = {{line.split()[-1] for line in open("/proc/self/maps") if "ggml" in line or "qgml" in line or "libquern" in line}}
print(all(name.startswith(sys.prefix) for name in mapped), len(mapped))
"""
    # An empty environment: nothing of the build tree is known.
    done = subprocess.run([venv / "bin" / "python", "-I", "-c", program], capture_output=True, text=True, cwd=tmp_path,
                          env={"HOME": str(tmp_path)}, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    version, said = done.stdout.splitlines()
    assert version == f"{quern.__version__} 4"
    assert said == "True 4", "libquern, two of ggml and one kernel, all of this environment"


def test_the_wheels_libraries_stand_alone(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert "quern/py.typed" in archive.namelist()
        archive.extractall(tmp_path)
    libraries = list((tmp_path / "quern" / "lib").iterdir())
    assert len(libraries) >= 4
    allowed = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
               "libqgml.so.0", "libqgml-base.so.0"}
    for library in libraries:
        text = subprocess.check_output(["readelf", "--dynamic", "--wide", library], text=True)
        assert set(re.findall(r"NEEDED.*\[(.*)\]", text)) <= allowed
        assert re.findall(r"RUNPATH.*\[(.*)\]", text) in ([], ["$ORIGIN"])


def test_only_the_headers_functions_are_exported():
    header = (ROOT / "src" / "capi" / "quern.h").read_text()
    declared = set(re.findall(r"^(?:quern_status|const char\*|void) (quern_\w+)\(", header, re.M))
    symbols = subprocess.check_output(["nm", "-D", "--defined-only", BUILD / "lib" / "libquern.so"], text=True)
    exported = {line.split()[-1] for line in symbols.splitlines() if line.split()[-1] != "QUERN_0.1"}
    assert {name.split("@")[0] for name in exported} == declared
    assert all(name.endswith("@@QUERN_0.1") for name in exported)


def test_the_guide_is_true(weights, monkeypatch, tmp_path):
    guide = (ROOT / "docs" / "guides" / "python.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", guide, re.S)
    assert len(snippets) >= 8
    monkeypatch.setenv("QUERN_HOME", str(tmp_path))
    monkeypatch.setenv("QUERN_MODELS", os.fspath(weights.parent))
    monkeypatch.setattr(quern, "load", functools.partial(quern.load, threads=1, context_tokens=1024))
    names: dict = {"__name__": "guide"}
    sys.modules["guide"] = type(sys)("guide")  # where dataclasses look their names up
    for snippet in snippets:
        exec(compile(snippet, "docs/guides/python.md", "exec"), names)
        sys.modules["guide"].__dict__.update(names)
    names["llm"].close()
