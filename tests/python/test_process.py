"""The library within a process: threads, signals, fork, the end."""

import signal
import threading

import numpy
import pytest

import quern
from conftest import PATIENCE_S, SCRIPT, ended

PREAMBLE = f"""
import os, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with it ignored
import quern
SCRIPT = {SCRIPT!r}
llm = quern.fake(SCRIPT) if len(sys.argv) < 2 else quern.load(sys.argv[1], threads=1, context_tokens=512)
"""


def test_the_gil_is_free_while_an_answer_is_waited_for(llm):
    stream = llm.stream("never")
    waiting = threading.Thread(target=lambda: pytest.raises(quern.QuernError, next, stream))
    waiting.start()
    # Were it held, this thread would not get here before ten minutes are over.
    assert llm.chat("Hi").text == "Hello there."
    assert waiting.is_alive()
    llm.close()
    waiting.join(PATIENCE_S)
    assert not waiting.is_alive()


def test_two_threads_are_computed_together(smollm2):
    both = threading.Barrier(2)
    together = threading.Event()

    def talk(replies):
        stream = smollm2.stream("Count to one thousand.", max_tokens=400, temperature=0, logit_bias={2: -100, 0: -100})
        both.wait(PATIENCE_S)
        for _ in stream:
            if smollm2.activity()["running"] == 2:
                together.set()
            if together.is_set():
                stream.cancel()
        replies.append(stream.reply)

    replies = []
    threads = [threading.Thread(target=talk, args=(replies,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together.is_set(), "both were in one batch"
    assert len(replies) == 2


def test_many_threads_at_once(llm):
    texts = []
    threads = [threading.Thread(target=lambda: texts.append(llm.chat("one by one").text)) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert texts == ["one two three"] * 32


def test_closing_while_others_read_is_an_error_for_them():
    script = [{"say": [f"word {i} " for i in range(3_000)]}]
    for _ in range(20):
        llm = quern.fake(script)
        first, ends = threading.Event(), []

        def read(llm=llm, first=first, ends=ends):
            try:
                for _ in llm.stream("Hi"):
                    first.set()
                ends.append("read")
            except quern.QuernError as error:
                ends.append(str(error))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert first.wait(PATIENCE_S)
        llm.close()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert len(ends) == 8
        assert set(ends) <= {"read", "the answer was closed before its end", "this model was closed"} | {
            end for end in ends if "not open" in end or "closed" in end}


INTERRUPTED = PREAMBLE + """
try:
    for piece in llm.stream("for ever, count: one, two, three,", **({} if len(sys.argv) < 2 else {"max_tokens": 400, "logit_bias": {2: -100, 0: -100}})):
        print("piece", flush=True)
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted")
print("running", llm.activity()["running"])
print("again", llm.chat("Hi", **({} if len(sys.argv) < 2 else {"max_tokens": 3, "temperature": 0})).usage.completion_tokens)
"""
BLOCKED = PREAMBLE + """
import time
def interrupt():
    while llm.activity()["running"] == 0:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
try:
    threading.Thread(target=interrupt).start()
    llm.chat("never")
except KeyboardInterrupt:
    print("interrupted")
print("again", llm.chat("Hi"))
"""


def interrupt_after(process, line: str) -> str:
    while process.stdout.readline().strip() != line:
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    return ended(process)


def test_ctrl_c_in_the_middle_of_a_stream(run_python):
    said = interrupt_after(run_python(INTERRUPTED), "piece")
    assert said.endswith("interrupted\nrunning 0\nagain 3\n")
    assert "not interrupted" not in said


def test_ctrl_c_with_real_weights(run_python, weights):
    said = interrupt_after(run_python(INTERRUPTED, weights), "piece")
    assert "not interrupted" not in said
    assert said.endswith("again 3\n")


def test_ctrl_c_while_nothing_comes(run_python):
    assert ended(run_python(BLOCKED)) == "interrupted\nagain Hello there.\n"


FORKED = PREAMBLE + """
stream = llm.stream("one by one")
next(stream)
child = os.fork()
if child == 0:
    for use in (lambda: llm.chat("Hi"), lambda: next(stream), lambda: llm.embed("a"), lambda: quern.fake(SCRIPT),
                lambda: llm.tokenize("a")):
        try:
            use()
            print("child: no error")
        except quern.ForkedError as error:
            print("child:", "spawn" in str(error))
    sys.exit(0)  # an ordinary end: destructors and atexit run
print(os.waitpid(child, 0)[1], "".join(stream), llm.chat("Hi"))
"""


def test_a_forked_child_is_told(run_python):
    said = ended(run_python(FORKED))
    assert sorted(said.splitlines()) == ["0 two three Hello there."] + ["child: True"] * 5


def test_a_child_forked_before_may_load(run_python):
    said = ended(run_python(f"""
import os, sys, quern
SCRIPT = {SCRIPT!r}
child = os.fork()
os.write(1, f"{{quern.fake(SCRIPT).chat('Hi')}}\\n".encode())  # one piece, beside the other process
if child: os.waitpid(child, 0)
"""))
    assert said == "Hello there.\n" * 2


ENDS = PREAMBLE + """
streams = [llm.stream("for ever") for _ in range(10)]
next(streams[0])
threading.Thread(target=lambda: list(streams[1]), daemon=True).start()
print("over")
"""


@pytest.mark.parametrize("real", [False, True])
def test_a_program_may_end_in_the_middle(run_python, weights, real):
    assert ended(run_python(ENDS, *([weights] if real else []))) == "over\n"


def test_models_give_their_memory_back(run_python):
    said = ended(run_python(PREAMBLE + """
import gc
before = set(os.listdir("/proc/self/fd"))
for _ in range(50):
    other = quern.fake(SCRIPT)
    other.chat("Hi"); other.embed("a"); next(other.stream("for ever"))
del other
gc.collect()
print(len(set(os.listdir("/proc/self/fd")) - before) < 5, threading.active_count(), len(os.listdir("/proc/self/task")) < 8)
"""))
    assert said == "True 1 True\n"


# ---- vectors and tokens: NumPy in and out, and without it ----

def test_vectors_are_a_matrix(llm):
    vectors = llm.embed(["a fox", "a fox", "interest rates rose again in march"])
    matrix = numpy.asarray(vectors)
    assert matrix.shape == vectors.shape == (3, 16)
    assert matrix.dtype == numpy.float32
    assert numpy.shares_memory(matrix, numpy.asarray(vectors))
    assert numpy.asarray(vectors, dtype=numpy.float64).dtype == numpy.float64
    assert not numpy.shares_memory(matrix, numpy.array(vectors))
    cosines = matrix @ matrix.T
    assert cosines[0, 1] == pytest.approx(1, abs=1e-5)
    assert cosines[0, 2] < 0.9
    assert vectors.tolist() == matrix.tolist()
    assert vectors[-1].tolist() == matrix[2].tolist()
    assert [vector.tolist() for vector in vectors[:2]] == matrix[:2].tolist()
    with pytest.raises(IndexError):
        vectors[3]
    assert numpy.asarray(llm.embed("a fox")).tolist() == matrix[0].tolist()


def test_numpy_comes_in_too(llm):
    assert numpy.asarray(llm.embed(numpy.array(["a fox", "rates rose"]))).shape == (2, 16)
    tokens = numpy.asarray(llm.tokenize("one two"))
    assert tokens.dtype == numpy.int32
    assert llm.detokenize(tokens.astype(numpy.int64)) == llm.detokenize(list(tokens)) == "one two"
    assert llm.detokenize([]) == ""
    with pytest.raises(TypeError):
        llm.embed([1])
    with pytest.raises(quern.InvalidArgumentError):
        llm.embed([])


def test_numpy_is_not_needed(run_python):
    said = ended(run_python("""
import sys
sys.modules["numpy"] = None  # importing it fails
import quern
with quern.fake([{"say": ["Hello."]}]) as llm:
    print(llm.chat("Hi"), len(llm.embed("a")), llm.embed(["a", "b"]).shape, llm.detokenize(llm.tokenize("a b")))
"""))
    assert said == "Hello. 16 (2, 16) a b\n"
