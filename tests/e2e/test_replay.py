"""Recordings: what a guest hears from the world is written down, and `quern replay` runs it again to the same
bytes with nothing of the world there: no files, no arguments, no clock, no weights.
"""

import os
import pathlib
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import time

import pytest
import quern
from build import build
from recordings import Recorder
from wire import ask

GUESTS = pathlib.Path(os.environ.get("QUERN_BUILD", ".")).resolve() / "guests" / "hostile"
SEEDS = int(os.environ.get("QUERN_REPLAY_SEEDS", "25"))


@pytest.fixture
def recorder(home, tmp_path):
    return Recorder(home, tmp_path)


# ---- modules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["surroundings", "descriptors", "bytes", "paths", "listing", "waiting"])
def test_every_call_of_wasi_0_1_is_replayed(built, recorder, tree, tmp_path, name):
    options = ["--env", "A=1", "--env", "EMPTY=", "--env", "WORDS=two words"]
    ended = recorder.same(*tree, *options, built("p1") / f"{name}.wasm", "one", "two words", "",
                          world=tmp_path / "data", stdin="from outside")
    assert ended.code == 0 and "0 failed" in ended.out, ended


@pytest.mark.parametrize("given, code", [(0, 0), (255, 255), (4294967295, 255)])
def test_exit_codes_are_replayed(built, recorder, given, code):
    assert recorder.same(built("p1") / "ending.wasm", given).code == code


@pytest.mark.parametrize("call", ["pointer-to-nowhere", "list-nowhere", "no-such-clock", "no-such-flags"])
def test_traps_are_replayed(built, recorder, call):
    ended = recorder.same(built("p1") / "ending.wasm", call)
    assert ended.code == 134 and "ending.wasm!" in ended.err


@pytest.mark.parametrize("file", ["wanderer.wasm", "component.wasm"])
def test_random_guests(built, recorder, tmp_path, file):
    """Programs that seeds chose; bench/record.py runs a thousand of them."""
    program = built("random") / file
    for seed in range(SEEDS):
        world = tmp_path / "world"
        shutil.rmtree(world, ignore_errors=True)
        (world / "folder").mkdir(parents=True)
        (world / "a").write_bytes(random.Random(seed).randbytes(2000))
        (world / "link").symlink_to("a")
        ended = recorder.same("--dir", f"{world}::/", "--env", "WANDER=far", program, seed, 30, world=world,
                              stdin=f"line {seed}\n" * 50)
        assert ended.out or ended.err, f"seed {seed} does nothing"


def test_what_is_read_in_one_long_call_is_replayed(recorder, wat):
    """Three million random bytes at once, twice: written from where they lie, and in their order."""
    program = wat("""(module
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (memory (export "memory") 64)
      (func (export "mixed") (result i64) (local $at i32) (local $sum i64)
        (loop $calls
          (drop (call $random (i32.const 4) (i32.const 3000000)))
          (drop (call $random (i32.const 3000100) (i32.const 10)))
          (local.set $at (i32.const 0))
          (loop $words
            (local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 5)) (i64.load (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $words (i32.lt_u (local.get $at) (i32.const 3000200))))
          (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
          (br_if $calls (i32.lt_u (i32.load (i32.const 0)) (i32.const 2))))
        (local.get $sum)))""")
    assert recorder.same("--invoke", "mixed", program).code == 0
    assert recorder.file.stat().st_size > 6_000_000


def test_an_invoked_function_is_replayed(recorder, wat):
    program = wat('(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))')
    assert recorder.same("--invoke", "add(2, 3)", program).out == "5\n"


def test_an_invoked_function_of_a_component_is_refused(recorder, built):
    ended = recorder.record("--invoke", "run()", built("random") / "component.wasm")
    assert ended.code == 1 and "not components yet" in ended.err and not recorder.file.exists()


# ---- components -------------------------------------------------------------------------------------------


def test_a_command_of_wasi_0_2_is_replayed(built, recorder):
    ended = recorder.same("--env", "A=1", "--env", "EMPTY=", built("p2") / "command.wasm", "two words", "")
    assert ended.code == 0 and "0 failed" in ended.out, ended


@pytest.mark.parametrize("how, code", [("ok", 0), ("failed", 1), ("7", 7)])
def test_the_exit_of_a_component_is_replayed(built, recorder, how, code):
    assert recorder.same(built("p2") / "command.wasm", "exit", how).code == code


@pytest.mark.parametrize("name", ["streams", "files"])
def test_calls_of_wasi_0_2_are_replayed(built, recorder, tree, tmp_path, name):
    ended = recorder.same(*tree, built("p2") / f"{name}.wasm", world=tmp_path / "data", stdin="0123456789abcdef")
    assert ended.code == 0 and "0 failed" in ended.out, ended


def test_sockets_of_components_are_replayed(built, recorder):
    """Nobody listens any more: the connections are those of the recording."""
    grants = ["--net", "127.0.0.1:*", "--net", "localhost:*", "--listen", "127.0.0.1:*"]
    recorded = recorder.record(*grants, built("p2") / "sockets.wasm")
    assert recorded.code == 0 and "0 failed" in recorded.out, recorded
    replayed = recorder.replay()  # without a policy, so without what the log says of one
    assert (replayed.code, replayed.out) == (recorded.code, recorded.out), replayed.err


# ---- models -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, words", [("nn-basic", []), ("nn-stream", [6])])
def test_a_model_of_wasi_nn_is_replayed_without_weights(guest, recorder, smollm2, name, words):
    options = ["--nn-preload", f"small:GGML:AUTO:{smollm2}", "--ctx-size", "64", "--threads", "1"]
    ended = recorder.same(*options, guest(f"rust/{name}"), "small", "One, two, three,", *words)
    assert ended.code == 0 and ended.out.strip(), ended.err


def test_a_model_of_a_component_is_replayed_without_weights(guest, recorder, smollm2):
    options = ["--model", smollm2, "--ctx-size", "512", "--threads", "1"]
    ended = recorder.same(*options, guest("python/ask"), "Name a colour.")
    assert ended.code == 0 and ended.out.strip(), ended.err


# ---- services ---------------------------------------------------------------------------------------------


def recordings(folder: pathlib.Path, count: int) -> list[pathlib.Path]:
    """The files of so many exchanges, in their order, once each has its end."""
    end = time.monotonic() + quern.PATIENCE_S
    while time.monotonic() < end:
        files = sorted(folder.glob("*.rec"), key=lambda file: int(file.stem.split("-")[1]))
        if len(files) == count:
            return files
        time.sleep(0.05)
    raise AssertionError(f"{count} recordings were expected, there are {files}")


def test_each_exchange_of_a_service_is_replayed(guest, home, tmp_path):
    folder = tmp_path / "recordings"
    with quern.Server("serve", "--record", folder, guest("rust/web"), home=home) as server:
        answers = [ask(server.port, "GET", "/hello"), ask(server.port, "GET", "/header?name=x-probe", X_Probe="one two"),
                   ask(server.port, "POST", "/echo", body=b"what I say" * 20_000), ask(server.port, "GET", "/nothing")]
    for file, answer in zip(recordings(folder, len(answers)), answers, strict=True):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        replayed = subprocess.run([quern.binary(), "replay", file], env=quern.environment(home), capture_output=True)
        assert replayed.returncode == 0, replayed.stderr
        head, _, body = replayed.stdout.partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {answer.status}\r\n".encode()) and body == answer.body


def test_a_chat_is_replayed_without_weights(home, smollm2, tmp_path):
    """The chat server is a guest like others: its request, its prompt and the model's words are in the file."""
    folder = tmp_path / "recordings"
    words = ["--model", smollm2, "--ctx-size", "512", "--threads", "1", "--record", folder]
    with quern.Server(*words, home=home) as server:
        body = b'{"max_tokens": 12, "stream": true, "messages": [{"role": "user", "content": "Name a colour."}]}'
        answer = ask(server.port, "POST", "/v1/chat/completions", body=body, Content_Type="application/json")
        assert answer.status == 200 and b"data: [DONE]" in answer.body
    replayed = subprocess.run([quern.binary(), "replay", recordings(folder, 1)[0]], env=quern.environment(home), capture_output=True)
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout.partition(b"\r\n\r\n")[2] == answer.body


# ---- where they differ ------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["wanderer.wasm", "component.wasm"])
def test_a_divergence_names_call_function_and_parameter(built, recorder, tmp_path, file):
    program = built("random") / file
    recorder.record(program, 3, 5)
    other = tmp_path / "other.wasm"
    changed = program.read_bytes().replace(b"%016llx\n", b"%016llX\n")
    assert changed != program.read_bytes()
    other.write_bytes(changed)
    ended = recorder.replay("--program", other)
    assert ended.code == 7 and "is not the program that was recorded" in ended.err
    call = r"fd_write: what iovs points to" if file == "wanderer.wasm" else r"output-stream\.[a-z-]+: contents"
    assert re.search(rf"diverges: call \d+: wasi[^ ]*{call} is .*[0-9A-F]{{4}}.*, .* was recorded", ended.err), ended.err


def test_a_check_tells_a_divergence_from_the_programs_own_code(built, recorder):
    assert recorder.same(built("p1") / "ending.wasm", 7).code == 7
    ended = recorder.replay("--check")
    assert ended.code == 0 and re.fullmatch(r"the same; calls: \d+\n", ended.out) and not ended.err, ended
    ended = recorder.replay("--check", "--program", built("random") / "wanderer.wasm")
    assert ended.code == 7 and "diverges" in ended.err and not ended.out


def test_a_program_that_is_gone_or_changed_is_named(built, recorder, tmp_path):
    program = shutil.copy(built("random") / "wanderer.wasm", tmp_path / "program.wasm")
    recorder.record(program, 1, 3)
    pathlib.Path(program).unlink()
    assert recorder.replay().code == 3
    shutil.copy(built("p1") / "ending.wasm", program)
    ended = recorder.replay()
    assert ended.code == 2 and "is not the program that was recorded" in ended.err and "--program" in ended.err


# ---- ends that are not the guest's own --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["memory_hog", "memory_start", "table_hog", "handle_hog", "deep_recursion",
                                  "trap_in_start", "endless_loop"])
def test_limits_are_replayed(recorder, name):
    recorded = recorder.record("--cpu", "500ms", "--memory", "64MiB", GUESTS / f"{name}.wasm")
    replayed = recorder.replay()
    assert (replayed.code, replayed.out) == (recorded.code, recorded.out), replayed.err
    assert name != "endless_loop" or replayed.code == 124


def test_a_guest_that_a_signal_ended_while_it_computed_ends_so_again(home, recorder):
    words = [quern.binary(), "run", "--record", recorder.file, "--cpu", "1h", GUESTS / "endless_loop.wasm"]
    with subprocess.Popen(list(map(str, words)), env=quern.environment(home), stderr=subprocess.PIPE) as running:
        while not recorder.file.exists() or recorder.file.stat().st_size < 100:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
    assert running.returncode == 130
    ended = recorder.replay()
    assert ended.code == 130 and "ended by a signal" in ended.err, ended


def test_a_guest_that_was_out_of_time_does_not_have_it_again_and_again(recorder):
    recorded = recorder.record("--cpu", "500ms", GUESTS / "endless_loop.wasm")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    replayed = recorder.replay()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert replayed.code == recorded.code == 124
    assert replayed.err.splitlines()[0] == recorded.err.splitlines()[0], "the recorded end, not the replay's"
    assert after.ru_utime - before.ru_utime < 2, "it was held to half a second"


def test_a_program_is_called_as_it_was_named(built, home, tmp_path):
    shutil.copy(built("p1") / "ending.wasm", tmp_path / "ending.wasm")
    (tmp_path / "elsewhere").mkdir()
    env = quern.environment(home)
    words = [quern.binary(), "run", "--record", "run.rec", "ending.wasm", "pointer-to-nowhere"]
    recorded = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True)
    words = [quern.binary(), "replay", "../run.rec"]
    replayed = subprocess.run(words, cwd=tmp_path / "elsewhere", env=env, capture_output=True)
    assert (replayed.returncode, replayed.stderr) == (recorded.returncode, recorded.stderr)
    assert replayed.stderr.startswith(b"quern: ending.wasm: ")


def test_a_guest_that_was_ended_while_it_waited_ends_there(recorder):
    recorded = recorder.record("--timeout", "300ms", GUESTS / "sleeper.wasm")
    assert recorded.code == 124
    before = time.monotonic()
    replayed = recorder.replay()
    assert replayed.code == 124 and "wall clock" in replayed.err, replayed
    assert time.monotonic() - before < quern.PATIENCE_S


def test_a_recorder_that_was_killed_leaves_what_came_before(built, home, recorder):
    words = [quern.binary(), "run", "--record", recorder.file, built("random") / "wanderer.wasm", "5", "1000000"]
    env = quern.environment(home)
    with subprocess.Popen(list(map(str, words)), env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        while not recorder.file.exists() or recorder.file.stat().st_size < 100_000:
            running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    ended = recorder.replay()
    assert ended.code == 7 and "the recording breaks off after call" in ended.err and ended.out


def test_a_recording_has_a_limit(built, recorder):
    recorded = recorder.record("--record-limit", "20KiB", built("random") / "wanderer.wasm", 5, 500)
    assert "--record-limit" in recorded.err and recorder.file.stat().st_size < 22 * 1024
    ended = recorder.replay()
    assert ended.code == 7 and "--record-limit" in ended.err


def test_requests_beyond_the_limit_leave_no_damaged_files(guest, home, tmp_path):
    folder = tmp_path / "recordings"
    words = ["serve", "--record", folder, "--record-limit", "16KiB", guest("rust/web")]
    with quern.Server(*words, home=home) as server:
        for _ in range(20):
            assert ask(server.port, "POST", "/echo", body=b"what I say" * 300).status == 200
    files = list(folder.glob("*.rec"))
    assert 0 < len(files) < 20 and sum(file.stat().st_size for file in files) < 24 * 1024
    codes = set()
    for file in files:
        ended = quern.quern("replay", "--check", file, home=home)
        codes.add(ended.code)
        assert ended.code == 0 or (ended.code == 7 and "--record-limit" in ended.err), ended
    assert 7 in codes


def test_a_disk_that_is_full_ends_the_recording_in_words(built, home, recorder):
    program = built("random") / "wanderer.wasm"
    recorder.record(program, 5, 500)
    whole = recorder.file.stat().st_size

    def limit():  # as a full disk it takes a part of what is written; the signal is to be ignored
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole // 4, whole // 4))

    words = [quern.binary(), "run", "--record", recorder.file, program, "5", "500"]
    ended = subprocess.run(list(map(str, words)), env=quern.environment(home), capture_output=True, preexec_fn=limit,
                           restore_signals=False)
    assert ended.returncode >= 0 and b"the guest goes on" in ended.stderr, ended.stderr
    replayed = recorder.replay()
    assert replayed.code == 7 and "the disk took no more" in replayed.err, replayed


def test_a_recording_that_cannot_be_written_is_said(home, built, tmp_path):
    ended = quern.quern("run", "--record", tmp_path / "none" / "run.rec", built("p1") / "ending.wasm", home=home)
    assert ended.code == 5 and "none/run.rec cannot be written" in ended.err


# ---- files of anybody -------------------------------------------------------------------------------------


def test_only_its_owner_may_read_a_recording(built, recorder):
    recorder.file.touch(0o644)
    recorder.record("--env", "TOKEN=secret", built("p1") / "ending.wasm", 0)
    assert stat.S_IMODE(recorder.file.stat().st_mode) == 0o600


def test_a_call_that_reads_more_than_64_mib_is_replayed(recorder, wat, tmp_path):
    """One record holds as much as a module's memory."""
    program = wat("""(module
      (import "wasi_snapshot_preview1" "path_open"
        (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1600)
      (data (i32.const 16) "large")
      (func (export "read") (result i32)
        (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 0)
                          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
        (i32.store (i32.const 0) (i32.const 4096))
        (i32.store (i32.const 4) (i32.const 80000000))
        (drop (call $read (i32.load (i32.const 8)) (i32.const 0) (i32.const 1) (i32.const 12)))
        (i32.load (i32.const 12))))""")
    world = tmp_path / "world"
    world.mkdir()
    (world / "large").touch()
    os.truncate(world / "large", 80_000_000)
    ended = recorder.same("--dir", f"{world}::/", "--invoke", "read", program, world=world)
    assert ended.out == "80000000\n" and recorder.file.stat().st_size > 80_000_000


def test_what_came_before_wasi_0_1_is_replayed(built, recorder, tmp_path):
    """The same calls under their older module's name, where a file's status and a subscription have other sizes."""
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "a").write_text("older")
    for seed in range(5):
        recorder.same("--dir", f"{tmp_path}/world::/", built("random") / "unstable.wasm", seed, 20, stdin="words")


def test_buffers_that_overlap_do_not_fill_the_host(home, tmp_path):
    recorder = Recorder(home, tmp_path)
    program = build("wat/overlapping_buffers")
    recorded = recorder.record("--cpu", "20s", program)
    assert recorded.code == 0, recorded.err
    assert quern.quern("replay", recorder.file, home=home).code == 0


def test_memory_beyond_the_programs_own_maximum_is_refused_the_same(home, tmp_path):
    recorder = Recorder(home, tmp_path)
    recorded = recorder.record("--memory", "832KiB", build("wat/own_limit"))
    assert recorded.code == 1, "one page, when it asks for three more"
    assert quern.quern("replay", recorder.file, home=home).code == 1


def test_a_recording_takes_the_place_of_a_plain_file_alone(home, tmp_path):
    program = build("wat/own_limit")
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("mine")
    link.symlink_to(target)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for place in (link, fifo, "/dev/null"):
        ended = quern.quern("run", "--record", place, program, home=home)
        assert "no plain file" in ended.err
    own = tmp_path / "own.wasm"
    own.write_bytes(pathlib.Path(program).read_bytes())
    assert "the program itself" in quern.quern("run", "--record", own, own, home=home).err
    assert own.read_bytes() == pathlib.Path(program).read_bytes()
    assert target.read_text() == "mine" and not pathlib.Path("/dev/null").is_file()
    old = tmp_path / "old.rec"
    old.write_text("x" * 10_000)
    with open(old, "rb") as reader:  # who has it open sees nothing of the new one
        quern.quern("run", "--record", old, program, home=home)
        assert reader.read() == b"x" * 10_000
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
