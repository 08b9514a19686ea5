"""Language models for a guest: a program that runs inside Quern.

    import quern

    llm = quern.open()
    for piece in llm.stream("What is a quern?"):
        print(piece, end="")

The words are those of the package of the same name for host programs; only the weights are the host's here.
"""

from ._errors import (BusyError, CancelledError, ContextFullError, IncompleteError, InternalError, InvalidArgumentError,
                      NotFoundError, PermissionDeniedError, QuernError, TimeLimitError, UnsupportedError)
from ._model import Embeddings, Model, Stream, granted_models, open
from ._reply import Reply, Timings, ToolCall, Usage

__all__ = [
    "BusyError", "CancelledError", "ContextFullError", "Embeddings", "IncompleteError", "InternalError",
    "InvalidArgumentError", "Model", "NotFoundError", "PermissionDeniedError", "QuernError", "Reply", "Stream",
    "TimeLimitError", "Timings", "ToolCall", "UnsupportedError", "Usage", "granted_models", "open",
]
