"""Many clients at once, clients that go away, and a server that is killed."""

import asyncio
import json
import re
import socket
import time

import pytest
import quern
from wire import Wire, ask, events

CLIENTS = 200
CROWD_MIB = 150  # what they may cost beyond the idle server, all together


def body(text: str, **options) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}], **options}).encode()


async def stream(port: int, text: str, heard: list[float] | None = None, **options) -> str:
    """One streaming client: what it was told, once its stream has properly ended; `heard` gets the time of each chunk."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        sent = body(text, stream=True, **options)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (len(sent), sent))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head + await reader.read(1000)
        said = b""
        while size := int(await reader.readline(), 16):
            said += (await reader.readexactly(size + 2))[:-2]
            if heard is not None:
                heard.append(time.monotonic())
        await reader.readline()
        *chunks, done = events(said)
        assert done == "[DONE]"
        return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in json.loads(chunk)["choices"])
    finally:
        writer.close()


async def crowd(server, text: str, watch, **options) -> list[str]:
    """CLIENTS at once; `watch` looks at the server while they are all there."""
    async with asyncio.timeout(quern.PATIENCE_S):
        everyone = [asyncio.create_task(stream(server.port, text, **options)) for _ in range(CLIENTS)]
        while not all(one.done() for one in everyone):
            watch()
            await asyncio.sleep(0.05)
        return await asyncio.gather(*everyone)


def metrics(server) -> dict[str, float]:
    """The server's numbers; one with labels is summed over them."""
    found: dict[str, float] = {}
    for line in ask(server.port, "GET", "/metrics").body.decode().splitlines():
        if match := re.fullmatch(r"(\w+)(?:\{.*\})? ([\d.eE+-]+|NaN)", line):
            found[match[1]] = found.get(match[1], 0) + float(match[2])
    return found


def test_a_crowd_is_served_by_the_threads_that_were_there(fake, record_property):
    asyncio.run(stream(fake.port, "ten steps"))  # all that is made on first use is there now
    threads, memory, files = fake.status("Threads"), fake.status("VmRSS"), fake.open_files()
    seen = {"threads": 0, "memory": 0, "files": 0}

    def watch():
        seen["threads"] = max(seen["threads"], fake.status("Threads"))
        seen["memory"] = max(seen["memory"], fake.status("VmRSS"))
        seen["files"] = max(seen["files"], fake.open_files())

    said = asyncio.run(crowd(fake, "ten steps", watch))
    assert said == ["".join(f"step {i} " for i in range(10))] * CLIENTS
    assert seen["files"] > files + CLIENTS // 2, "they were never there at once"
    assert seen["threads"] <= threads, "a waiting guest may cost no thread"
    growth = (seen["memory"] - memory) / 1024
    record_property("memory_growth_mib", growth)
    print(f"\n{CLIENTS} waiting guests: {growth:.0f} MiB over idle, {seen['threads'] - threads} threads")
    assert growth < CROWD_MIB


def test_nothing_is_left_of_a_crowd(fake):
    files = fake.open_files()
    for _ in range(2):
        asyncio.run(crowd(fake, "hello", lambda: None))
    end = time.monotonic() + quern.PATIENCE_S
    while fake.open_files() > files + 4 and time.monotonic() < end:
        time.sleep(0.1)
    assert fake.open_files() <= files + 4


def test_a_crowd_on_one_model(server, model, record_property):
    asyncio.run(stream(server.port, "Say a word.", max_tokens=1))
    threads, memory = server.status("Threads"), server.status("VmRSS")
    seen = {"threads": 0, "memory": 0}

    def watch():
        seen["threads"] = max(seen["threads"], server.status("Threads"))
        seen["memory"] = max(seen["memory"], server.status("VmRSS"))

    said = asyncio.run(crowd(server, "Say a word.", watch, max_tokens=4, temperature=0))
    assert all(said)
    assert seen["threads"] <= threads
    growth = (seen["memory"] - memory) / 1024
    record_property("memory_growth_mib", growth)
    print(f"\n{CLIENTS} clients of one model: {growth:.0f} MiB over idle")
    assert growth < CROWD_MIB


def test_a_stream_goes_on_while_a_long_prompt_is_read(server):
    """Prefill comes in chunks between the steps of the others: they never wait for somebody's whole prompt."""

    async def both():
        heard, first = [], []
        # It never ends by itself: token 2 ends an answer.
        short = asyncio.create_task(stream(server.port, "Count to a hundred.", heard, max_tokens=200, temperature=0,
                                           logit_bias={"2": -100}))
        while len(heard) < 3 and not short.done():
            await asyncio.sleep(0.01)
        sent = time.monotonic()
        assert await stream(server.port, "A fox and a hare. " * 250, first, max_tokens=1)
        assert await short
        return sent, first[0], heard

    sent, read, heard = asyncio.run(both())
    during = [sent, *(at for at in heard if sent < at < read), *([read] if heard[-1] > read else [])]
    assert len(during) > 3, "the stream was over before the prompt was read"
    gap = max(after - before for before, after in zip(during, during[1:]))
    print(f"\nthe longest pause while a prompt was read for {read - sent:.1f} s: {gap:.2f} s")
    assert gap < (read - sent) / 2


# ---- clients that go away --------------------------------------------------------------------------------


def leave_midway(port: int, text: str, **options):
    """Reads the beginning of a stream, then is gone without a word."""
    with Wire(port) as wire:
        wire.request("POST", "/v1/chat/completions", body(text, stream=True, **options), Content_Type="application/json")
        wire.head()
        next(wire.chunks())
        next(wire.chunks())
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def eventually(holds) -> bool:
    end = time.monotonic() + quern.PATIENCE_S
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_a_client_that_left_frees_its_slot(home, smollm2):
    """One slot; the first client asks for more than it could get in minutes, and goes."""
    with quern.Server("--model", smollm2, "--max-running", "1", home=home) as one_slot:
        for _ in range(3):
            leave_midway(one_slot.port, "Tell a very long story.", max_tokens=6000, logit_bias={"2": -100})
            said = asyncio.run(stream(one_slot.port, "Say a word.", max_tokens=4, temperature=0))
            assert said
        assert eventually(lambda: metrics(one_slot)["quern_model_running"] == 0)
        assert metrics(one_slot)["quern_model_completion_tokens_total"] < 6000, "somebody who left was answered to the end"


def test_clients_that_left_leave_nothing(fake):
    for _ in range(20):
        leave_midway(fake.port, "a long time")
    assert eventually(lambda: metrics(fake)["quern_requests_in_progress"] == 0)
    assert asyncio.run(stream(fake.port, "hello")) == "Hello from the script."


def test_a_client_that_left_before_the_answer_leaves_nothing(fake):
    """Not a stream: the guest has sent nothing yet when the client goes."""
    for _ in range(20):
        with Wire(fake.port) as wire:
            wire.request("POST", "/v1/chat/completions", body("a long time"), Content_Type="application/json")
            time.sleep(0.01)
    assert eventually(lambda: metrics(fake)["quern_requests_in_progress"] == 0)


# ---- ends -----------------------------------------------------------------------------------------------------


def test_sigterm_lets_a_stream_end(home, script):
    with quern.Server("--fake-model", script, home=home) as server, Wire(server.port) as wire:
        wire.request("POST", "/v1/chat/completions", body("ten steps", stream=True), Content_Type="application/json")
        wire.head()
        chunks = wire.chunks()
        said = next(chunks)
        server.process.terminate()
        assert eventually(lambda: "for up to 30 seconds" in server.log()), "how long it waits is told"
        said += b"".join(chunks)
        assert said.endswith(b"data: [DONE]\n\n") and b"step 9" in said
        assert server.process.wait(quern.PATIENCE_S) == 0
        server.killed = True  # it has ended already, as it should


def test_a_second_signal_ends_it_at_once(home, script):
    with quern.Server("--fake-model", script, home=home) as server, Wire(server.port) as wire:
        wire.request("POST", "/v1/chat/completions", body("a long time", stream=True), Content_Type="application/json")
        wire.head()
        server.process.terminate()
        time.sleep(0.2)
        server.process.terminate()
        assert server.process.wait(25) == 143  # draining, or the answer, would take longer
        server.killed = True


def test_kill_9_is_seen_by_the_client_and_the_next_one_starts(home, script):
    with quern.Server("--fake-model", script, home=home) as server, Wire(server.port) as wire:
        wire.request("POST", "/v1/chat/completions", body("a long time", stream=True), Content_Type="application/json")
        wire.head()
        chunks = wire.chunks()
        next(chunks)
        server.kill()
        with pytest.raises((ConnectionError, ValueError)):  # never a proper end
            list(chunks)
    with quern.Server("--fake-model", script, home=home, port=server.port) as again:
        assert again.port == server.port
        assert asyncio.run(stream(again.port, "hello")) == "Hello from the script."


def test_a_port_that_is_taken_is_named(home, script, fake):
    ended = quern.quern("--fake-model", script, "--no-open", "--port", fake.port, home=home)
    assert ended.code == 5 and str(fake.port) in ended.err
