"""What a client is told when it asks for what cannot be: OpenAI's statuses, codes and parameters."""

import json
import os

import openai
import pytest
import quern
from conftest import client_of
from wire import ask

HELLO = [{"role": "user", "content": "hello"}]


def error_of(response) -> dict:
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"]
    return error


def test_an_unknown_model(client):
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    assert refused.value.code == "model_not_found" and "no-such-model" in refused.value.body["message"]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


@pytest.mark.parametrize("wrong, param", [
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": 3}, "temperature"),
    ({"top_p": -1}, "top_p"),
    ({"n": 0}, "n"),
    ({"n": 10_000}, "n"),
    ({"max_tokens": -1}, "max_tokens"),
    ({"max_tokens": 1.5}, "max_tokens"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": {"include_usage": True}}, "stream_options"),
    ({"stop": [1]}, "stop"),
    ({"logit_bias": {"x": 1}}, "logit_bias"),
    ({"logit_bias": {"1": 101}}, "logit_bias"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"messages": []}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:9/"}}]}]},
     None),
    ({"tools": []}, "tools"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"functions": []}, "functions"),
])
def test_a_wrong_parameter_is_named(fake, wrong, param):
    answer = ask(fake.port, "POST", "/v1/chat/completions", {"messages": HELLO, **wrong})
    assert answer.status == 400, answer.body
    error = error_of(answer)
    assert error["type"] == "invalid_request_error"
    if param:
        assert error["param"] == param, error


def test_an_unknown_argument(fake):
    answer = ask(fake.port, "POST", "/v1/chat/completions", {"messages": HELLO, "tempreature": 1})
    assert answer.status == 400 and "tempreature" in error_of(answer)["message"]


def test_messages_are_required(fake):
    answer = ask(fake.port, "POST", "/v1/chat/completions", {"model": "default"})
    assert answer.status == 400
    assert error_of(answer)["param"] == "messages" and error_of(answer)["code"] == "missing_required_parameter"


def test_a_prompt_that_does_not_fit(client, model):
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": "fox " * 3000}], stream=stream)
        assert refused.value.code == "context_length_exceeded" and refused.value.param == "messages"
        assert "2048" in refused.value.body["message"]


def test_an_answer_that_fills_the_context_ends_by_length(client, model):
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "fox " * 1990}],
                                            temperature=0, logit_bias={2: -100})
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.total_tokens <= 2048


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"{'a':1}", b'{"messages": [}', b"\xff\xfe",
                                  b'{"model": "\xff"}', b"\x00" * 100])
def test_what_is_not_a_json_object(fake, body):
    answer = ask(fake.port, "POST", "/v1/chat/completions", body, Content_Type="application/json")
    assert answer.status == 400 and error_of(answer)


@pytest.mark.parametrize("bomb", [b"[" * 100_000, b'{"a":' * 100_000, b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}",
                                  b"{" + b",".join(b'"%d":0' % i for i in range(100_000)) + b"}"],
                         ids=["arrays", "objects", "closed", "keys"])
def test_a_nesting_bomb(fake, bomb):
    answer = ask(fake.port, "POST", "/v1/chat/completions", bomb, Content_Type="application/json")
    assert answer.status == 400 and error_of(answer)
    assert ask(fake.port, "GET", "/health").status == 200


def test_a_body_that_is_too_large(fake):
    body = json.dumps({"messages": [{"role": "user", "content": "x" * (40 << 20)}]}).encode()
    try:
        answer = ask(fake.port, "POST", "/v1/chat/completions", body, Content_Type="application/json")
    except (BrokenPipeError, ConnectionResetError):
        pytest.fail("the refusal must reach a client that is still sending")
    assert answer.status == 413


def test_an_unknown_path_and_a_wrong_method(fake):
    assert ask(fake.port, "GET", "/v1/nothing").status == 404
    wrong = ask(fake.port, "GET", "/v1/chat/completions")
    assert wrong.status == 405 and "POST" in wrong.header("allow")
    assert ask(fake.port, "DELETE", "/v1/models").status == 405


# ---- names and origins -------------------------------------------------------------------------------


def test_a_name_that_was_made_to_point_here_is_refused(home, script):
    with quern.Server("--fake-model", script, "--allow-host", "chat.example", home=home) as server:
        assert ask(server.port, "GET", "/v1/models", Host=f"localhost:{server.port}").status == 200
        assert ask(server.port, "GET", "/v1/models", Host="chat.example").status == 200
        refused = ask(server.port, "POST", "/v1/chat/completions", {"messages": HELLO}, Host=f"rebound.example:{server.port}")
        assert refused.status == 403 and "--allow-host" in error_of(refused)["message"]


def test_a_page_of_another_origin_is_let_in_by_name(home, script):
    with quern.Server("--fake-model", script, "--allow-origin", "https://app.example", home=home) as server:
        friend = ask(server.port, "POST", "/v1/chat/completions", {"messages": HELLO}, Origin="https://app.example")
        assert friend.status == 200 and friend.header("access-control-allow-origin") == "https://app.example"
        refused = ask(server.port, "POST", "/v1/chat/completions", {"messages": HELLO}, Origin="https://evil.example")
        assert refused.status == 403 and "--allow-origin" in error_of(refused)["message"]


# ---- keys ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text("# who may\nsesame-open\nanother-key team-a\n")
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def locked(home, script, keys):
    with quern.Server("--fake-model", script, "--api-key-file", keys, home=home) as server:
        yield server


@pytest.mark.parametrize("key", ["sesame-open", "another-key"])
def test_the_right_key_opens(locked, key):
    assert client_of(locked, key).models.list().data


@pytest.mark.parametrize("key", ["sesame", "sesame-open-", "SESAME-OPEN", "# who may", "team-a"])
def test_a_wrong_key_does_not(locked, key):
    with pytest.raises(openai.AuthenticationError) as refused:
        client_of(locked, key).models.list()
    assert refused.value.code == "invalid_api_key"
    assert "sesame" not in refused.value.body["message"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "sesame-open"}, {"Authorization": "Basic c2VzYW1l"},
                                     {"Authorization": "Bearer"}, {"Authorization": "Bearer  "}])
def test_no_key_does_not(locked, headers):
    answer = ask(locked.port, "POST", "/v1/chat/completions", {"messages": HELLO}, **headers)
    assert answer.status == 401 and "Bearer" in answer.header("www-authenticate")


@pytest.mark.parametrize("path", ["/v1/models", "//v1/models", "/assets/../v1/models", "/%76%31/models", "/health/../v1/models"])
def test_no_spelling_of_a_path_goes_around_the_key(locked, path):
    assert ask(locked.port, "GET", path).status in (400, 401, 404)


def test_the_page_and_health_need_no_key(locked):
    assert ask(locked.port, "GET", "/").status == 200
    assert ask(locked.port, "GET", "/health").status == 200


def test_a_key_file_that_others_may_read_is_refused(home, script, keys, tmp_path):
    loose = tmp_path / "keys"
    loose.write_text(keys.read_text())
    loose.chmod(0o644)
    ended = quern.quern("--fake-model", script, "--no-open", "--port", "0", "--api-key-file", loose, home=home)
    assert ended.code in (1, 2, 4) and "chmod" in ended.err and "sesame" not in ended.err


def test_an_empty_key_file_is_refused_rather_than_opening_the_server(home, script, tmp_path):
    for text in ("", "# nobody\n", "\n\n"):
        empty = tmp_path / "keys"
        empty.write_text(text)
        os.chmod(empty, 0o600)
        ended = quern.quern("--fake-model", script, "--no-open", "--port", "0", "--api-key-file", empty, home=home)
        assert ended.code != 0 and "key" in ended.err
