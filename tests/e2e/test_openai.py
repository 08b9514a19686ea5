"""Chat completions as the official `openai` client sees them, with real weights behind them."""

import json
import math

import pytest
from gguf import token_id

QUESTION = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
STORY = [{"role": "user", "content": "Tell me a story about a fox."}]


@pytest.fixture
def ask(client, model):
    def create(messages=None, **options):
        return client.chat.completions.create(model=model, messages=messages or QUESTION, **options)
    return create


@pytest.fixture
def text_of(ask):
    def get(messages=None, **options) -> str:
        return ask(messages, **options).choices[0].message.content
    return get


# ---- models -----------------------------------------------------------------------------------


def test_models_are_listed_and_described(client, model):
    listed = client.models.list().data
    assert [entry.object for entry in listed] == ["model"] * len(listed)
    assert client.models.retrieve(model).id == model


def test_an_answer_is_about_the_question(ask, model):
    answer = ask(temperature=0, max_tokens=24)
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert answer.model == model
    choice = answer.choices[0]
    assert choice.message.role == "assistant" and "Paris" in choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert answer.usage.prompt_tokens > 10 and 0 < answer.usage.completion_tokens <= 24
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_the_system_message_is_read(ask):
    alone = ask(max_tokens=1).usage.prompt_tokens
    told = ask([{"role": "system", "content": "You are a pirate. " * 20}, *QUESTION], max_tokens=1)
    assert told.usage.prompt_tokens > alone + 50


def test_content_may_come_in_parts(text_of):
    parts = [{"type": "text", "text": "What is the capital of France? "}, {"type": "text", "text": "Answer in one sentence."}]
    assert text_of([{"role": "user", "content": parts}], temperature=0, max_tokens=16) == \
        text_of(temperature=0, max_tokens=16)


# ---- streams ----------------------------------------------------------------------------------


def test_a_stream_says_the_same_as_the_whole(ask, text_of):
    chunks = list(ask(temperature=0, max_tokens=24, stream=True))
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")
    assert all(chunk.usage is None for chunk in chunks)
    # The role, the first piece at once, the others as often as the model's pace lets them, and the end.
    assert len(chunks) >= 4, "a stream comes in pieces"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text_of(temperature=0, max_tokens=24)


def test_usage_comes_last_when_asked_for(ask):
    *rest, last = ask(temperature=0, max_tokens=8, stream=True, stream_options={"include_usage": True})
    assert last.choices == [] and 0 < last.usage.completion_tokens <= 8
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens
    assert all(chunk.usage is None for chunk in rest)


def test_a_prompt_seen_before_is_not_computed_again(ask):
    story = [{"role": "user", "content": "A fox ran over the hill and met another fox. " * 12 + "What did it meet?"}]
    first = ask(story, max_tokens=1).usage
    again = ask(story, max_tokens=1).usage
    assert again.prompt_tokens == first.prompt_tokens
    assert again.prompt_tokens_details.cached_tokens >= again.prompt_tokens // 2


# ---- choices and chance -----------------------------------------------------------------------


def test_three_choices(ask):
    one = ask(STORY, temperature=1, seed=7, max_tokens=12)
    three = ask(STORY, temperature=1, seed=7, max_tokens=12, n=3)
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in three.choices}) > 1
    assert three.usage.prompt_tokens == one.usage.prompt_tokens
    assert 12 < three.usage.completion_tokens <= 36


def test_choices_of_a_stream_are_told_apart(ask):
    texts, ends = {0: "", 1: ""}, {}
    for chunk in ask(STORY, temperature=1, seed=7, max_tokens=12, n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    assert set(ends) == {0, 1} and all(texts.values())


def test_a_seed_repeats_an_answer(text_of):
    text_of(STORY, max_tokens=1)  # from here on the prompt is in the cache
    again = [text_of(STORY, temperature=1.2, seed=42, max_tokens=16) for _ in range(2)]
    others = {text_of(STORY, temperature=1.2, seed=seed, max_tokens=16) for seed in (1, 2, 3)}
    assert again[0] == again[1]
    assert others != {again[0]}


def test_without_chance_the_seed_does_not_matter(text_of):
    assert len({text_of(STORY, temperature=0, seed=seed, max_tokens=16) for seed in (1, 2, 3)}) == 1


def test_penalties_change_the_text(text_of):
    loop = [{"role": "user", "content": "Repeat: ha ha ha ha ha ha ha ha ha ha"}]
    plain = text_of(loop, temperature=0, max_tokens=40)
    penalised = text_of(loop, temperature=0, max_tokens=40, frequency_penalty=2, presence_penalty=2)
    assert plain != penalised


# ---- where an answer ends -----------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_it_ends_before_a_stop_string_that_spans_tokens(ask, text_of, stream):
    whole = text_of(STORY, temperature=0, max_tokens=32)
    space = whole.index(" ", len(whole) // 3)
    stop = whole[space - 2:space + 3]  # the end of a word and the beginning of the next
    answer = ask(STORY, temperature=0, max_tokens=32, stop=["never said", stop], stream=stream)
    if stream:
        chunks = list(answer)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        reason = chunks[-1].choices[0].finish_reason
    else:
        text, reason = answer.choices[0].message.content, answer.choices[0].finish_reason
    assert text == whole[:whole.index(stop)]
    assert reason == "stop"


def test_what_only_begins_like_a_stop_string_is_said(text_of):
    whole = text_of(STORY, temperature=0, max_tokens=16)
    assert text_of(STORY, temperature=0, max_tokens=16, stop=whole[-6:] + "\x01") == whole


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_bound_ends_it_by_length(ask, name):
    answer = ask(STORY, temperature=0, **{name: 5})
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 5


# ---- probabilities and biases --------------------------------------------------------------------


def test_log_probabilities(ask):
    answer = ask(temperature=0, max_tokens=8, logprobs=True, top_logprobs=3)
    tokens = answer.choices[0].logprobs.content
    # The token that ends an answer is counted, but says nothing.
    ending = answer.choices[0].finish_reason == "stop"
    assert len(tokens) == answer.usage.completion_tokens - ending
    spelled = b"".join(bytes(token.bytes) for token in tokens)
    assert spelled.decode().startswith(answer.choices[0].message.content)
    for token in tokens:
        assert len(token.top_logprobs) == 3
        ranked = [top.logprob for top in token.top_logprobs]
        assert ranked == sorted(ranked, reverse=True) and max(ranked) <= 0
        assert sum(math.exp(value) for value in ranked) < 1.001
        # Without chance the most probable token is the one that is taken.
        assert token.top_logprobs[0].token == token.token
        assert token.logprob == pytest.approx(ranked[0], abs=1e-4)


def test_log_probabilities_of_a_stream_are_those_of_the_whole(ask):
    whole = ask(temperature=0, max_tokens=8, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    streamed = []
    for chunk in ask(temperature=0, max_tokens=8, logprobs=True, top_logprobs=2, stream=True):
        if chunk.choices[0].logprobs:
            streamed += chunk.choices[0].logprobs.content
    assert [token.token for token in streamed] == [token.token for token in whole]


def test_a_bias_forces_a_token(text_of, smollm2):
    assert text_of(temperature=0, max_tokens=4, logit_bias={token_id(smollm2, " banana"): 100}).split() == ["banana"] * 4


def test_a_bias_forbids_a_token(ask, smollm2):
    first = ask(temperature=0, max_tokens=1, logprobs=True).choices[0].logprobs.content[0]
    forbidden = token_id(smollm2, bytes(first.bytes))
    for seed in range(5):
        other = ask(temperature=1, seed=seed, max_tokens=1, logprobs=True, logit_bias={forbidden: -100})
        assert other.choices[0].logprobs.content[0].token != first.token


# ---- completions ----------------------------------------------------------------------------------


def test_a_completion_continues_the_prompt(client, model):
    done = client.completions.create(model=model, prompt="Once upon a", max_tokens=8, temperature=0)
    assert done.object == "text_completion" and done.choices[0].text.startswith(" time")
    assert done.usage.completion_tokens <= 8


def test_a_completion_may_echo_its_prompt(client, model):
    done = client.completions.create(model=model, prompt="Once upon a", max_tokens=4, temperature=0, echo=True)
    assert done.choices[0].text.startswith("Once upon a time")


def test_several_prompts_are_answered_in_order(client, model):
    done = client.completions.create(model=model, prompt=["The capital of France is", "Once upon a"], max_tokens=3,
                                     temperature=0)
    assert [choice.index for choice in done.choices] == [0, 1]
    assert "Paris" in done.choices[0].text and "time" in done.choices[1].text


def test_a_prompt_may_be_tokens(client, model, smollm2):
    words = ["Once", " upon", " a"]
    done = client.completions.create(model=model, prompt=[token_id(smollm2, word) for word in words], max_tokens=3,
                                     temperature=0)
    assert done.choices[0].text.startswith(" time")


def test_a_completion_streams(client, model):
    chunks = list(client.completions.create(model=model, prompt="Once upon a", max_tokens=8, temperature=0, stream=True))
    whole = client.completions.create(model=model, prompt="Once upon a", max_tokens=8, temperature=0)
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")


def test_a_completion_has_log_probabilities(client, model):
    done = client.completions.create(model=model, prompt="Once upon a", max_tokens=4, temperature=0, logprobs=2)
    logprobs = done.choices[0].logprobs
    assert "".join(logprobs.tokens) == done.choices[0].text
    assert len(logprobs.token_logprobs) == len(logprobs.top_logprobs) == len(logprobs.tokens) == 4
    assert all(value <= 0 for value in logprobs.token_logprobs)
    assert all(len(top) in (2, 3) for top in logprobs.top_logprobs)


# ---- UTF-8 -----------------------------------------------------------------------------------------


def test_half_a_character_is_never_sent(server, model, smollm2):
    """A token that is the first two bytes of an emoji, forced: what cannot be finished may not come out broken."""
    from wire import ask as post, events
    body = {"model": model, "messages": STORY, "max_tokens": 6, "temperature": 0, "stream": True,
            "logit_bias": {str(token_id(smollm2, b"\xf0\x9f")): 100}}
    stream = post(server.port, "POST", "/v1/chat/completions", body)
    assert stream.status == 200
    for event in events(stream.body):  # decodes strictly, event by event
        assert "\\ud8" not in event and "\\udc" not in event.lower()


def test_a_conversation_in_many_scripts(ask):
    """What was said in many scripts comes back as it was, and is read: it costs more tokens than without."""
    words = "Grüße, мир, 世界, 🌍👩‍👩‍👧‍👦!"
    schema = {"type": "json_schema", "json_schema": {"name": "words", "schema": {"const": words}}}
    messages = [{"role": "user", "content": f"{words} \u0000 ok?"}]
    answer = ask(messages, temperature=0, max_tokens=200, response_format=schema)
    assert json.loads(answer.choices[0].message.content) == words
    again = ask([*messages, {"role": "assistant", "content": words}, *messages], max_tokens=1)
    assert again.usage.prompt_tokens > answer.usage.prompt_tokens + len(words)
