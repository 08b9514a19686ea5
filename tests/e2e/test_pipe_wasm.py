"""Filters made for Fluent Bit and commands as sources, in a pipeline as a user starts it."""

import json
import pathlib
import sys

import pytest

from pipelines import Pipeline, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guests"))
import build  # noqa: E402


def guest(name):
    try:
        return build.build(name)
    except build.Missing as missing:
        pytest.skip(f"{name}: {missing}")


def text(folder, filters, lines="app.log"):
    return f"""
[[input]]
name = "in"
type = "tail"
path = ["{folder}/{lines}"]
tag = "app"
read_from_head = true
{filters}
[[output]]
name = "out"
type = "file"
path = "{folder}/out.log"
format = "json"
"""


def filter_table(file, function, more=""):
    return f'[[filter]]\nname = "{function}"\ntype = "wasm"\nmatch = "*"\nwasm_path = "{file}"\nfunction_name = "{function}"\n{more}\n'


def records(folder, count):
    out = folder / "out.log"
    wait_until(lambda: out.exists() and len(out.read_text().splitlines()) >= count)
    return [json.loads(line) for line in out.read_text().splitlines()]


def values(folder, count, key):
    """Of this key, wherever the output's form puts the record."""
    def find(value):
        if isinstance(value, dict):
            return value[key] if key in value else next((found for found in map(find, value.values()) if found is not None), None)
        return None
    return [find(record) for record in records(folder, count)]


@pytest.mark.parametrize("language, function", [("rust", "rust_add"), ("go", "go_add")])
def test_a_filter_adds_a_field(tmp_path, language, function):
    module = guest(f"filters/{language}")
    (tmp_path / "app.log").write_text("".join(f'line {n} "ü"\n' for n in range(500)))
    with Pipeline(tmp_path, text(tmp_path, filter_table(module, function))):
        assert values(tmp_path, 500, "from") == ["app"] * 500
        assert values(tmp_path, 500, "log") == [f'line {n} "ü"' for n in range(500)]


def test_a_filter_in_go_that_gives_what_it_got(tmp_path):
    (tmp_path / "app.log").write_text("one\ntwo\n")
    with Pipeline(tmp_path, text(tmp_path, filter_table(guest("filters/go"), "go_pass"))):
        assert values(tmp_path, 2, "log") == ["one", "two"]


@pytest.mark.parametrize("function", ["rust_crash", "rust_loop", "rust_leak"])
def test_a_filter_that_fails_loses_nothing(tmp_path, function):
    """Records come out as they went in; what leaks is made anew and goes on."""
    (tmp_path / "app.log").write_text("".join(f"line {n}\n" for n in range(20000)))
    table = filter_table(guest("filters/rust"), function, 'time = "100ms"\nmemory = "4 MiB"')
    with Pipeline(tmp_path, text(tmp_path, table)):
        assert values(tmp_path, 20000, "log") == [f"line {n}" for n in range(20000)]


def test_a_name_that_is_not_there_is_told_at_the_start(tmp_path):
    pipeline = Pipeline(tmp_path, text(tmp_path, filter_table(guest("filters/rust"), "rust_ad")), wait=False)
    assert pipeline.process.wait(timeout=60) != 0
    said = pipeline.log.read_text()
    assert "function_name" in said and "rust_add" in said and "pipe.toml:" in said


def test_lines_of_a_command_are_records(tmp_path):
    command = guest("go/tool")
    file = f"""
[[input]]
name = "tool"
type = "wasm"
wasm_path = "{command}"
args = ["env", "GREETING"]
oneshot = true
[input.env]
GREETING = "hello there"
[[output]]
name = "out"
type = "file"
path = "{tmp_path}/out.log"
format = "json"
"""
    with Pipeline(tmp_path, file, wait=False):
        assert any("hello there" in str(line) for line in values(tmp_path, 1, "wasi_stdout"))
