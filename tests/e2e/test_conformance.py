"""WASI from inside: small programs that make every call of WASI 0.1, and every call that a command of
WASI 0.2 may import, the good way and the bad; and the runner of the official suite, judged itself.
"""

import json
import os
import re
import subprocess
import sys

import pytest
import quern

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "conformance"))
import programs  # noqa: E402
import suite  # noqa: E402

# The 46 calls of wasi_snapshot_preview1.
P1_CALLS = set("""
    args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get fd_advise fd_allocate
    fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights fd_filestat_get
    fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read
    fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write path_create_directory path_filestat_get
    path_filestat_set_times path_link path_open path_readlink path_remove_directory path_rename path_symlink
    path_unlink_file poll_oneoff proc_exit proc_raise random_get sched_yield sock_accept sock_recv sock_send
    sock_shutdown""".split())


def all_right(ended: quern.Ended) -> None:
    assert ended.code == 0, ended.out + ended.err
    assert re.search(r"[1-9]\d* checks, 0 failed\n$", ended.out), ended.out + ended.err


# ---- WASI 0.1 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["surroundings", "descriptors", "bytes", "paths", "listing", "waiting"])
def test_calls_of_wasi_0_1(built, home, tree, name):
    options = ["--env", "A=1", "--env", "EMPTY=", "--env", "WORDS=two words"]
    all_right(quern.quern("run", *tree, *options, built("p1") / f"{name}.wasm", "one", "two words", "",
                          home=home, stdin="from outside"))


def test_every_call_of_wasi_0_1_is_made(built):
    made = {name for program in built("p1").glob("*.wasm") for _, name in programs.imports(program)}
    assert len(P1_CALLS) == 46 and made == P1_CALLS


@pytest.mark.parametrize("given, code", [(0, 0), (1, 1), (125, 125), (126, 126), (255, 255), (4294967295, 255)])
def test_proc_exit(built, home, given, code):
    ended = quern.quern("run", built("p1") / "ending.wasm", given, home=home)
    assert (ended.code, ended.out, ended.err) == (code, "ending\n", "")


@pytest.mark.parametrize("call", ["pointer-to-nowhere", "list-nowhere", "path-nowhere", "result-out-of-line",
                                  "no-such-clock", "no-such-whence", "no-such-advice", "no-such-flags"])
def test_a_call_that_no_program_should_make_is_a_trap(built, home, call):
    ended = quern.quern("run", built("p1") / "ending.wasm", call, home=home)
    assert ended.code == 134 and ended.out == "ending\n", ended
    assert re.search("pointer|[Ii]nvalid", ended.err, re.I) and "at ending.wasm!" in ended.err, ended.err


def test_what_go_makes_of_it(built, home, tree):
    all_right(quern.quern("run", *tree, "--env", "A=1", built("go") / "program.wasm", "one", home=home,
                          stdin="from outside"))


# ---- WASI 0.2 ---------------------------------------------------------------------------------------------


def test_a_command_of_wasi_0_2(built, home):
    all_right(quern.quern("run", "--env", "A=1", "--env", "EMPTY=", built("p2") / "command.wasm", "two words", "",
                          home=home))


@pytest.mark.parametrize("how, code", [("ok", 0), ("failed", 1), ("0", 0), ("7", 7), ("255", 255)])
def test_exit(built, home, how, code):
    assert quern.quern("run", built("p2") / "command.wasm", "exit", how, home=home).code == code


def test_streams(built, home, tree):
    ended = quern.quern("run", *tree, built("p2") / "streams.wasm", home=home, stdin="0123456789abcdef")
    all_right(ended)
    assert ended.out.startswith("writtenflushed\0\0\0\089ab") and ended.err == "to stderr"


def test_files(built, home, tree):
    all_right(quern.quern("run", *tree, built("p2") / "files.wasm", home=home))


@pytest.mark.parametrize("listen", ["127.0.0.1:*", "127.0.0.1:0"])
def test_sockets(built, home, listen):
    grants = ["--net", "127.0.0.1:*", "--net", "localhost:*", "--listen", listen]
    ended = quern.quern("run", *grants, built("p2") / "sockets.wasm", home=home)
    all_right(ended)
    for needed in ('net = ["127.0.0.2:9"]', 'listen = ["127.0.0.2:9"]', 'net = ["denied.example:*"]'):
        assert ended.err.count(needed) == 1, ended.err


def test_every_call_of_wasi_0_2_is_made(built):
    folder = built("p2")
    offered = set(re.findall(r'__import_module__\("(wasi:[^"]+)"\), __import_name__\("([^"]+)"\)',
                             (folder / "bindings" / "checks.c").read_text()))
    made = set().union(*(programs.imports(core) for core in folder.glob("*.core")))
    assert len(offered) > 100 and offered - made == set()


# ---- the runner of the official suite ------------------------------------------------------------------------


@pytest.fixture
def small_suite(built, tmp_path):
    """A suite in the official one's shape, of a program that ends with the code that it is told."""
    place = tmp_path / "suite" / "tests" / "c" / "testsuite" / "wasm32-wasip1"
    place.mkdir(parents=True)
    later = place.parent / "wasm32-wasip3"
    later.mkdir()
    (later / "later.wasm").write_bytes(b"")
    program = (built("p1") / "ending.wasm").read_bytes()

    def case(name: str, **specification) -> None:
        (place / f"{name}.wasm").write_bytes(program)
        (place / f"{name}.json").write_text(json.dumps(specification))

    case("right", args=["3"], exit_code=3, stdout="ending\n")
    case("right-by-operations", operations=[{"type": "run", "args": ["4"]}, {"type": "read", "payload": "ending\n"},
                                            {"type": "wait", "exit_code": 4}])
    case("wrong-code", args=["3"])
    case("wrong-words", args=["0"], stdout="beginning\n")
    case("too-new", operations=[{"type": "run"}, {"type": "levitate"}, {"type": "wait"}])
    return tmp_path / "suite"


WRONG = ["wrong-code", "wrong-words", "too-new"]


def run_suite(folder, known: list[str]) -> subprocess.CompletedProcess:
    (folder / "known.txt").write_text("".join(f"c/wasm32-wasip1/{name}: for a reason\n" for name in known))
    return subprocess.run([sys.executable, suite.__file__, folder, "--quern", quern.binary(), "--known",
                           folder / "known.txt", "--table", folder / "table.md"], capture_output=True, text=True)


def test_the_suite_passes_when_what_fails_is_known(small_suite):
    ended = run_suite(small_suite, WRONG)
    assert ended.returncode == 0, ended.stderr
    assert "2 of 5 cases pass, 3 fail as known, 1 are skipped" in ended.stdout
    table = (small_suite / "table.md").read_text()
    assert "| c/wasm32-wasip1 | 5 | 2 | 3 | 0 |" in table and "WASI 0.3 is not offered" in table


@pytest.mark.parametrize("name", WRONG)
def test_the_suite_fails_for_a_case_that_is_not_known_to_fail(small_suite, name):
    ended = run_suite(small_suite, [other for other in WRONG if other != name])
    assert ended.returncode == 1 and f"{name} fails" in ended.stderr, ended.stderr


def test_the_suite_fails_for_a_known_case_that_passes(small_suite):
    ended = run_suite(small_suite, [*WRONG, "right"])
    assert ended.returncode == 1 and "right passes" in ended.stderr, ended.stderr


def test_the_suite_fails_for_a_known_case_that_is_gone(small_suite):
    ended = run_suite(small_suite, [*WRONG, "gone"])
    assert ended.returncode == 1 and "gone is on the list" in ended.stderr, ended.stderr
