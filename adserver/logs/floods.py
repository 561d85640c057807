"""However often a thing happens, the log tells of it a few times a second, and how often it was.

A kind of line is an event of ours, or a sentence of a library, with the kind of its error. What is
left out is told with the kind's next line, or by a line of its own as soon as any other is written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from structlog.types import EventDict, WrappedLogger

# Of one kind, in one process.
MAX_LINES_A_SECOND = 10
# Kinds that are told apart; what comes after is one kind. There are some fifty.
MAX_KINDS = 256

TOLD = "lines_left_out"
OTHERS = ("others",)
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Kind:
    """since: when its second began. left_out: lines that nobody has told of."""

    since: float
    written: int = 0
    left_out: int = 0


class Floods:
    """now: seconds of a clock that does not jump."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kinds: dict[tuple[str, ...], Kind] = {}

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if event["event"] == TOLD:
            return event
        now, name = self._now(), kind_of(event)
        event.pop("pattern", None)
        kind = self._kind(name, now)
        if now - kind.since >= 1.0:
            if kind.left_out:
                event["left_out"] = kind.left_out
            kind.since, kind.written, kind.left_out = now, 0, 0
        if kind.written >= MAX_LINES_A_SECOND:
            kind.left_out += 1
            raise structlog.DropEvent
        kind.written += 1
        self._tell_of_others(now)
        return event

    def _kind(self, name: tuple[str, ...], now: float) -> Kind:
        if name not in self._kinds and len(self._kinds) >= MAX_KINDS:
            name = OTHERS
        return self._kinds.setdefault(name, Kind(now))

    def _tell_of_others(self, now: float) -> None:
        """Of kinds whose flood is over."""
        over = [
            name for name, kind in self._kinds.items() if kind.left_out and now - kind.since >= 1.0
        ]
        for name in over:
            left_out = self._kinds.pop(name).left_out
            log.warning(TOLD, kind=" ".join(filter(None, name)), lines=left_out)


def kind_of(event: EventDict) -> tuple[str, ...]:
    return (event["event"], event.get("pattern", ""), error_of(event.get("exc_info")))


def error_of(exc_info: object) -> str:
    """The kind of error that a line is about; "" without one."""
    if exc_info is True:
        exc_info = sys.exc_info()
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    return type(error).__name__ if isinstance(error, BaseException) else ""
