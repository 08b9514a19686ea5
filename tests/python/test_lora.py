"""LoRA adapters through the package."""

import pytest

import quern
from test_packs import ANSWER, MODEL, QUESTION, helper


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    return helper("gguf").write_adapter(tmp_path_factory.mktemp("lora") / "tilt.gguf", 30, 576)


def test_an_adapter_changes_what_is_said(weights, adapter, smollm2):
    bare = smollm2.chat(QUESTION, **ANSWER).text
    with quern.load(weights, lora=adapter, **MODEL) as llm:
        adapted = llm.chat(QUESTION, **ANSWER).text
        assert llm.info.name == f"{weights.stem}+tilt"
    assert adapted != bare
    with quern.load(weights, lora={adapter: 1e-9}, **MODEL) as llm:
        assert llm.chat(QUESTION, **ANSWER).text == bare
    with quern.load(weights, lora=[str(adapter)], **MODEL) as llm:
        assert llm.chat(QUESTION, **ANSWER).text == adapted


def test_what_is_no_adapter_says_why(weights, adapter, tmp_path):
    with pytest.raises(quern.InvalidArgumentError, match="no LoRA adapter"):
        quern.load(weights, lora=weights, **MODEL)
    with pytest.raises(quern.NotFoundError, match="absent.gguf"):
        quern.load(weights, lora=tmp_path / "absent.gguf", **MODEL)
    with pytest.raises(quern.InvalidArgumentError, match=r"adapters\[0\].scale"):
        quern.load(weights, lora={adapter: 0}, **MODEL)
