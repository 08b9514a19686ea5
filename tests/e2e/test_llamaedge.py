"""Programs on LlamaEdge's own crates (llama-core and what it stands on) under `quern run`: an API server for the
official `openai` client, a conversation, and answers from a file by vectors.

They are made for WasmEdge and know nothing of Quern: sockets, logging and WASI-NN are its extensions.
"""

import concurrent.futures
import http.client
import json
import math
import pathlib
import re
import subprocess
import tempfile
import time

import openai
import pytest
import quern

QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
OTHER = [{"role": "user", "content": "How many legs does a dog have? Answer in one sentence."}]
CHAT, EMBEDDER = "chat", "embedder"


def preloads(weights) -> list:
    """One file of weights under two names: LlamaEdge wants a graph of its own for vectors."""
    return ["--nn-preload", f"{CHAT}:GGML:AUTO:{weights}", "--nn-preload", f"{EMBEDDER}:GGML:AUTO:{weights}",
            "--ctx-size", "1024", "--threads", "1"]


class Program:
    """A program that listens on a port of its own choice, until the end of the block."""

    def __init__(self, home: pathlib.Path, *words, **env: str):
        self.said = tempfile.NamedTemporaryFile(prefix="quern-program-", suffix=".log")
        self.process = subprocess.Popen([quern.binary(), "run", *map(str, words)], stdin=subprocess.DEVNULL, cwd=home,
                                        stdout=self.said, stderr=subprocess.STDOUT, env=quern.environment(home, **env))

    def __enter__(self):
        end = time.monotonic() + quern.PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            found = re.search(r"^listening on .*:(\d+)$", self.log(), re.M)
            if found:
                self.port = int(found.group(1))
                return self
            time.sleep(0.02)
        self.__exit__()
        raise AssertionError(f"the program does not listen:\n{self.log()}")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return pathlib.Path(self.said.name).read_text(errors="replace")


@pytest.fixture(scope="module")
def running(guest, home, smollm2):
    with Program(home, *preloads(smollm2), "--listen", "127.0.0.1:*", "--env", "LLAMA_LOG=info", guest("llamaedge/server"),
                 "127.0.0.1:0", CHAT, EMBEDDER) as program:
        yield program


@pytest.fixture(scope="module")
def client(running) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"http://127.0.0.1:{running.port}/v1", api_key="none", max_retries=0,
                         timeout=quern.PATIENCE_S)


def whole(client, messages, **options):
    return client.chat.completions.create(model=CHAT, messages=messages, temperature=0, **options)


def streamed(client, messages, **options) -> list:
    return list(whole(client, messages, stream=True, **options))


def text_of(chunks) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


# ---- the server ---------------------------------------------------------------------------------------------


def test_its_models_are_listed(client):
    assert {model.id for model in client.models.list().data} == {CHAT, EMBEDDER}


def test_an_answer(client):
    answer = whole(client, QUESTION, max_completion_tokens=24)
    assert "Paris" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length") and answer.model == CHAT
    assert answer.usage.prompt_tokens > 10 and 0 < answer.usage.completion_tokens <= 24
    assert whole(client, QUESTION, max_completion_tokens=24).choices[0].message.content == \
        answer.choices[0].message.content, "the most probable tokens each time"


def test_an_answer_in_a_stream(client):
    chunks = streamed(client, QUESTION, stream_options={"include_usage": True})
    assert len(chunks) > 4
    assert text_of(chunks).strip() == whole(client, QUESTION).choices[0].message.content.strip()
    usage = [chunk.usage for chunk in chunks if chunk.usage][-1]
    assert usage.prompt_tokens > 10 and usage.completion_tokens > 4


def test_a_conversation_is_read_whole(client):
    said = [{"role": "user", "content": "My name is Ada."}, {"role": "assistant", "content": "Hello, Ada."},
            {"role": "user", "content": "What is my name?"}]
    alone, together = (whole(client, messages, max_completion_tokens=4).usage.prompt_tokens for messages in (said[2:], said))
    assert together > alone + 12


def test_two_clients_at_once_get_what_each_gets_alone(client):
    alone = [text_of(streamed(client, messages)) for messages in (QUESTION, OTHER)]
    assert alone[0] != alone[1]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        streams = [pool.submit(streamed, client, messages) for messages in (QUESTION, OTHER)]
        wholes = [pool.submit(whole, client, messages) for messages in (QUESTION, OTHER)]
        assert [text_of(stream.result()) for stream in streams] == alone
        assert [answer.result().choices[0].message.content.strip() for answer in wholes] == \
            [text.strip() for text in alone]


def test_a_client_that_leaves_half_way_holds_up_nobody(client):
    stream = whole(client, [{"role": "user", "content": "Tell me a long story about a fox."}], stream=True)
    next(stream)
    stream.close()
    assert "Paris" in whole(client, QUESTION, max_completion_tokens=24).choices[0].message.content


def test_a_text_is_continued(client):
    answer = client.completions.create(model=CHAT, prompt="The capital of France is", max_tokens=8, temperature=0)
    assert answer.choices[0].text.strip()


def test_vectors(client):
    texts = ["A fox runs through the forest.", "The vixen hunts among the trees.", "Interest rates rose in March."]
    answer = client.embeddings.create(model=EMBEDDER, input=texts)
    vectors = [entry.embedding for entry in answer.data]
    assert [len(vector) for vector in vectors] == [576] * 3 and answer.usage.prompt_tokens > 10
    near, far = (sum(a * b for a, b in zip(vectors[0], vector)) / math.hypot(*vectors[0]) / math.hypot(*vector)
                 for vector in vectors[1:])
    assert far < near < 1
    assert client.embeddings.create(model=EMBEDDER, input=texts[0]).data[0].embedding == \
        pytest.approx(vectors[0], abs=1e-3)


@pytest.mark.parametrize("path, body, status", [("/v1/chat/completions", b"{", 400), ("/v1/nothing", b"{}", 404),
                                                ("/v1/chat/completions", b'{"messages": []}', 500)])
def test_what_makes_no_sense_is_refused_and_the_server_goes_on(client, running, path, body, status):
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=quern.PATIENCE_S)
    connection.request("POST", path, body)
    answer = connection.getresponse()
    assert answer.status == status and json.loads(answer.read())["error"]["message"]
    connection.close()
    assert len(client.models.list().data) == 2


def test_its_log_goes_to_its_output_and_into_no_file(client, running, home):
    whole(client, QUESTION, max_completion_tokens=2)
    assert re.search(r"engine: build \d+ of \w+", running.log())
    assert "What is the capital of France?" in running.log(), "the prompt, which llama-core logs"
    assert not (home / "stdout").exists() and not (home / "stderr").exists()


def test_it_is_told_what_is_not_granted(guest, home, smollm2):
    words = [guest("llamaedge/server"), "127.0.0.1:0", CHAT]
    ended = quern.quern("run", "--listen", "127.0.0.1:*", *words, home=home)
    assert ended.code != 0 and f'models = ["{CHAT}"]' in ended.err, ended
    ended = quern.quern("run", *preloads(smollm2), *words, home=home)
    assert ended.code != 0 and 'net = ["HOST:PORT"]' in ended.err, ended


# ---- other programs -----------------------------------------------------------------------------------------


def test_a_conversation_on_the_terminal(guest, home, smollm2):
    question = "What colour is it?\n"
    both, alone = (quern.quern("run", *preloads(smollm2), guest("llamaedge/chat"), CHAT, home=home, stdin=said)
                   for said in (f"I have a red car.\n{question}", question))
    assert both.code == alone.code == 0, both.err + alone.err
    answers = both.out.strip().split("\n\n")
    assert len(answers) == 2 and all(answers), both.out
    assert answers[1] != alone.out.strip(), "what was said before changes the answer"


def test_an_answer_from_a_file(guest, home, smollm2, tmp_path):
    # The model is small: only a question in the very words is surely the nearest.
    question = "The office in Oslo is closed on Mondays and opens at nine."
    (tmp_path / "notes.txt").write_text("The garden shed was painted green in April by Mr Holm.\n\n"
                                        f"{question}\n\n"
                                        "The printer takes paper of every size, from postcards to posters.\n")
    ended = quern.quern("run", *preloads(smollm2), "--dir", f"{tmp_path}::/notes", guest("llamaedge/notes"), CHAT, EMBEDDER,
                        "/notes/notes.txt", question, home=home)
    assert ended.code == 0, ended.err
    part, answer = ended.out.split("\n", 1)
    assert "Oslo" in part and answer.strip(), ended.out
