"""A wasi:http service made by componentize-py that computes with WASI-NN: /?ids=101,4937,102 answers the sentence's
vector as the graph `encoder` computes it, in hexadecimal; what fails is told with status 500."""

import asyncio
import struct
from urllib.parse import parse_qs, urlsplit

from componentize_py_types import Err, Ok
from poll_loop import PollLoop, Sink
from wit_world.exports import IncomingHandler as Exported
from wit_world.imports.graph import load_by_name
from wit_world.imports.tensor import Tensor, TensorType
from wit_world.imports.types import Fields, IncomingRequest, OutgoingResponse, ResponseOutparam


class IncomingHandler(Exported):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        loop = PollLoop()
        asyncio.set_event_loop(loop)
        loop.run_until_complete(answer(request, response_out))


def vector(ids: list[int]) -> bytes:
    def row(numbers: list[int]) -> Tensor:
        return Tensor([1, len(numbers)], TensorType.I64, struct.pack(f"<{len(numbers)}q", *numbers))

    context = load_by_name("encoder").init_execution_context()
    outputs = context.compute([("input_ids", row(ids)), ("attention_mask", row([1] * len(ids))),
                               ("token_type_ids", row([0] * len(ids)))])
    return dict(outputs)["sentence_embedding"].data()


async def answer(request: IncomingRequest, out: ResponseOutparam) -> None:
    query = parse_qs(urlsplit(request.path_with_query() or "/").query)
    status, text = 200, ""
    try:
        text = vector([int(word) for word in query["ids"][0].split(",")]).hex()
    except Err as error:
        status, text = 500, f"{error.value.code().name}: {error.value.data()}"
    response = OutgoingResponse(Fields.from_list([("content-type", b"text/plain")]))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    sink = Sink(body)
    await sink.send(text.encode())
    sink.close()
