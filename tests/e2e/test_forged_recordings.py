"""Recordings of anybody: damaged, or forged with right checksums. The host goes on, and says what is wrong."""

import os
import pathlib
import random

import pytest
import quern
from recordings import Recorder, contents, framed, head, record_of, text

GUESTS = pathlib.Path(os.environ.get("QUERN_BUILD", ".")).resolve() / "guests" / "hostile"


@pytest.fixture
def recorder(home, tmp_path):
    return Recorder(home, tmp_path)


def test_a_damaged_recording_is_refused_in_words(built, recorder):
    """Cut off anywhere, it breaks off there or is told; with a byte changed anywhere, it is told."""
    recorder.record(built("random") / "wanderer.wasm", 2, 8)
    whole = recorder.file.read_bytes()
    dice = random.Random(1)
    for _ in range(25):
        at = dice.randrange(len(whole))
        recorder.file.write_bytes(whole[:at])
        assert recorder.replay().code in (1, 7), at
        recorder.file.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1:])
        ended = recorder.replay()
        # A length that is too large reads as a recorder that was killed.
        assert ended.code in (1, 7) and "recording" in ended.err, (at, ended)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "sparse", "none"])
def test_a_forged_head_opens_nothing_but_a_regular_file(recorder, tmp_path, kind):
    """A pipe would hold it up, a device has no end; and a name is for the terminal what it reads as."""
    place = tmp_path / f"\x1b[31mred\n{kind}"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "device":
        place.symlink_to("/dev/zero")
    elif kind == "folder":
        place.mkdir()
    elif kind == "sparse":
        place.touch()
        os.truncate(place, 1 << 40)
    recorder.file.write_bytes(framed(head(str(place))))
    ended = recorder.replay(timeout=60)
    why = {"none": "No such file", "sparse": "is larger than"}.get(kind, "is no regular file")
    assert ended.code > 0 and f"?[31mred?{kind}" in ended.err and why in ended.err, ended
    assert "\x1b" not in ended.err


def test_a_recording_is_a_regular_file(home, tmp_path):
    os.mkfifo(tmp_path / "run.rec")
    ended = quern.quern("replay", tmp_path / "run.rec", home=home, timeout=60)
    assert ended.code > 0 and "is no regular file" in ended.err


def test_what_a_recording_says_is_printable(home, recorder):
    """Names of calls, ends and reasons are anybody's words."""
    program = GUESTS / "sleeper.wasm"
    escape = "\x1b]0;title\x07"
    call = record_of(2, escape.encode()) + record_of(3, bytes(4) + text("") + b"\0" + bytes(8))
    cut = record_of(9, escape.encode())
    end = record_of(10, (7).to_bytes(4, "little") + bytes(4) + text(escape) + bytes(8))
    for records in (call, cut, end):
        recorder.file.write_bytes(framed(head(escape, 1 << 28) + records))
        ended = recorder.replay("--program", program, timeout=60)
        assert ended.code > 0 and "?]0;title?" in ended.err and "\x1b" not in ended.err, ended
    recorder.file.write_bytes(framed(cut))
    ended = recorder.replay("--program", program)
    assert "nothing was recorded: ?]0;title?" in ended.err and "\x1b" not in ended.err, ended


def test_a_record_is_no_longer_than_its_guest_could_make_it(recorder):
    """4 GiB are said, and nothing is read or kept of them."""
    for longest, size in ((65 << 20, (65 << 20) + 1), (64 << 20, 2**32 - 1)):
        memory = longest - (64 << 20)
        recorder.file.write_bytes(framed(head("none", memory) + bytes([3]) + size.to_bytes(4, "little")))
        ended = recorder.replay("--program", GUESTS / "sleeper.wasm")
        assert ended.code == 1 and f"a record of {size} bytes, where {longest} is the most" in ended.err, ended
    recorder.file.write_bytes(framed(head("none", 1 << 20) + bytes([3]) + (65 << 20).to_bytes(4, "little")))
    assert recorder.replay("--program", GUESTS / "sleeper.wasm").code == 7, "it breaks off there"
    recorder.file.write_bytes(framed(bytes([1]) + (2**32 - 1).to_bytes(4, "little")))
    assert "is the most" in recorder.replay().err


def test_a_value_of_a_component_has_a_bound(built, recorder):
    """Forty bytes for each of its bytes: 65 MiB would be gigabytes."""
    recorder.record(built("random") / "component.wasm", 2, 4)
    records, at = contents(recorder.file.read_bytes()), 0
    while records[at] != 3:
        at += 5 + int.from_bytes(records[at + 1:at + 5], "little")
    size = int.from_bytes(records[at + 1:at + 5], "little")
    zeros = bytes(1 << 20)
    beginning = records[:at + 1] + (size + 65 * len(zeros)).to_bytes(4, "little") + records[at + 5:at + 5 + size]
    frame = framed(zeros)[12:]
    recorder.file.write_bytes(framed(beginning) + 65 * frame)
    ended = recorder.replay()
    assert ended.code == 1 and "is the most" in ended.err, ended


@pytest.mark.parametrize("file", ["wanderer.wasm", "component.wasm"])
def test_a_recording_that_somebody_forged_is_refused_in_words(built, recorder, file):
    """Frames with right checksums around records that are none: whatever it says, the host goes on."""
    recorder.record(built("random") / file, 2, 4)
    records = contents(recorder.file.read_bytes())
    recorder.file.write_bytes(framed(records))
    assert recorder.replay().code not in (1, 7)
    dice = random.Random(7)
    for _ in range(40):
        forged = bytearray(records)
        for _ in range(dice.randrange(1, 4)):
            forged[dice.randrange(len(forged))] = dice.randrange(256)
        recorder.file.write_bytes(framed(bytes(forged)))
        ended = recorder.replay(timeout=60)
        assert ended.code >= 0, (bytes(forged), ended)  # a negative one is a signal: the host crashed
