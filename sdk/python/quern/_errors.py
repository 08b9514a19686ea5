"""What can go wrong, as exceptions: one per status of quern.h."""

from __future__ import annotations


class QuernError(Exception):
    """Whatever the library could not do. Its text says what failed and on what."""


class InvalidArgumentError(QuernError, ValueError):
    """What was asked for cannot be: an option out of its range, a schema that cannot be enforced, a closed model."""


class NotFoundError(QuernError, LookupError):
    """No model of that name, no such file."""


class PermissionDeniedError(QuernError):
    """A file, or a hub that asks for a sign-in."""


class BusyError(QuernError):
    """A bound was reached: the queue of the model, memory, the disk."""


class TimeLimitError(QuernError, TimeoutError):
    """The answer took longer than its `timeout`."""


class CancelledError(QuernError):
    """The answer was cancelled or closed, or a download stopped."""


class UnavailableError(QuernError):
    """Not now: no source of the model answers."""


class UnsupportedError(QuernError):
    """Understood, but this model or this build cannot do it."""


class CorruptDataError(QuernError):
    """A file that is not what it should be."""


class InternalError(QuernError):
    """A fault of the library."""


class ContextFullError(QuernError):
    """The prompt does not fit the model's context."""


class ForkedError(QuernError, RuntimeError):
    """This process was forked after Quern had started in it. Load models in the child instead, or start children
    with multiprocessing's method "spawn"."""


class IncompleteError(QuernError):
    """The answer ended at its length before it was whole; `text` is what there is."""

    def __init__(self, message: str, text: str):
        super().__init__(message)
        self.text = text


BY_STATUS: dict[int, type[QuernError]] = {
    1: InvalidArgumentError, 2: NotFoundError, 3: InvalidArgumentError, 4: PermissionDeniedError, 5: BusyError,
    6: TimeLimitError, 7: CancelledError, 8: UnavailableError, 9: UnsupportedError, 10: CorruptDataError,
    11: InternalError, 12: ContextFullError, 13: ForkedError,
}
