"""Asks its default model what its arguments say and prints the answer; a component made by componentize-py."""

import sys

from wit_world.exports import Run as Exported
from wit_world.imports import inference
from wit_world.imports import quern_llm_types as types


class Run(Exported):
    def run(self) -> None:
        generation = inference.Model.open("default").chat([question(" ".join(sys.argv[1:]))], options())
        while True:
            for event in generation.blocking_read():
                if isinstance(event, types.Event_Content):
                    print(event.value, end="")
                if isinstance(event, types.Event_Finished):
                    print()
                    return


def question(text: str) -> types.Message:
    return types.Message(role=types.Role.USER, content=[types.Part_Text(text)], name=None, reasoning=None, tool_calls=[], tool_call_id=None)


def options() -> types.ChatOptions:
    sampling = types.Sampling(max_tokens=12, temperature=0.0, top_k=None, top_p=None, min_p=None, repeat_penalty=None,
                              repeat_last_n=None, presence_penalty=None, frequency_penalty=None, seed=None, logit_bias=[],
                              stop=[], logprobs=None, timeout_ms=None)
    return types.ChatOptions(sampling=sampling, format=types.ResponseFormat_Text(), tools=[], tool_choice=types.ToolChoice_Auto(),
                             parallel_tool_calls=False, enable_thinking=None)
