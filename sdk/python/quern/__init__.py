"""Language models inside your program.

    import quern

    llm = quern.load("smollm2-135m-instruct")
    print(llm.chat("What is a quern?"))
"""

from ._answer import Stream
from ._errors import (BusyError, CancelledError, ContextFullError, CorruptDataError, ForkedError, IncompleteError,
                      InternalError, InvalidArgumentError, NotFoundError, PermissionDeniedError, QuernError, TimeLimitError,
                      UnavailableError, UnsupportedError)
from ._model import Model, ModelInfo, Options, fake, load
from ._native import log_level, version
from ._reply import Reply, Timings, ToolCall, Usage
from ._vectors import Vectors

__version__ = version()
__all__ = [
    "BusyError", "CancelledError", "ContextFullError", "CorruptDataError", "ForkedError", "IncompleteError", "InternalError",
    "InvalidArgumentError", "Model", "ModelInfo", "NotFoundError", "Options", "PermissionDeniedError", "QuernError", "Reply",
    "Stream", "TimeLimitError", "Timings", "ToolCall", "UnavailableError", "UnsupportedError", "Usage",
    "Vectors", "fake", "load", "log_level",
]
