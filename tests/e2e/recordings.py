"""Recordings for tests: made by a run, and by hand (docs/formats/recording.md)."""

import pathlib
import shutil

import quern


class Recorder:
    """Runs a program with --record, takes its world away, and replays it."""

    def __init__(self, home: pathlib.Path, folder: pathlib.Path):
        self.home, self.file = home, folder / "run.rec"

    def record(self, *words, **more) -> quern.Ended:
        return quern.quern("run", "--record", self.file, *words, home=self.home, **more)

    def replay(self, *words, **more) -> quern.Ended:
        return quern.quern("replay", *words, self.file, home=self.home, **more)

    def same(self, *words, world: pathlib.Path | None = None, **more) -> quern.Ended:
        """Replayed as recorded; `world` is a folder that is gone meanwhile."""
        recorded = self.record(*words, **more)
        if world is not None:
            shutil.rmtree(world)
        replayed = self.replay()
        assert replayed == recorded
        return recorded


def xxh64(data: bytes) -> int:
    """As https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md has it, with seed 0."""
    p1, p2, p3, p4, p5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                          0x27D4EB2F165667C5)
    mask = 2**64 - 1

    def turn(x: int, by: int) -> int:
        return (x << by | x >> (64 - by)) & mask

    def word(lane: int, value: int) -> int:
        return turn((lane + value * p2) & mask, 31) * p1 & mask

    at, size = 0, len(data)
    lanes = [(p1 + p2) & mask, p2, 0, -p1 & mask]
    if size < 32:
        digest = p5
    else:
        while at + 32 <= size:
            lanes = [word(lane, int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little")) for i, lane in enumerate(lanes)]
            at += 32
        digest = sum(turn(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18))) & mask
        for lane in lanes:
            digest = ((digest ^ word(0, lane)) * p1 + p4) & mask
    digest = (digest + size) & mask
    while at + 8 <= size:
        digest = (turn(digest ^ word(0, int.from_bytes(data[at:at + 8], "little")), 27) * p1 + p4) & mask
        at += 8
    if at + 4 <= size:
        digest = (turn(digest ^ int.from_bytes(data[at:at + 4], "little") * p1 & mask, 23) * p2 + p3) & mask
        at += 4
    for byte in data[at:]:
        digest = turn(digest ^ byte * p5 & mask, 11) * p1 & mask
    for by, prime in ((33, p2), (29, p3), (32, 1)):
        digest = (digest ^ digest >> by) * prime & mask
    return digest


def contents(data: bytes) -> bytes:
    """What the frames hold, one after the other."""
    assert data[:12] == b"QUERNREC" + (2).to_bytes(4, "little")
    at, found = 12, b""
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "little")
        frame = data[at + 12:at + 12 + size]
        assert len(frame) == size and int.from_bytes(data[at + 4:at + 12], "little") == xxh64(frame)
        found += frame
        at += 12 + size
    return found


def framed(records: bytes) -> bytes:
    size, digest = len(records).to_bytes(4, "little"), xxh64(records).to_bytes(8, "little")
    return b"QUERNREC" + (2).to_bytes(4, "little") + size + digest + records


def text(words: str) -> bytes:
    return len(words.encode()).to_bytes(4, "little") + words.encode()


def record_of(kind: int, payload: bytes) -> bytes:
    return bytes([kind]) + len(payload).to_bytes(4, "little") + payload


def head(program: str, memory: int = 1 << 20) -> bytes:
    """Of a run in /, whose digest is none."""
    limits = memory.to_bytes(8, "little") + bytes([255, 0, 0, 0]) + 2 * (1000).to_bytes(8, "little")
    facts = text("sha256:" + 64 * "0") + text(program) + text("/") + text("x")
    return record_of(1, b"\0" + facts + limits + bytes(4))
