"""What a node does in its parent, besides having processes; failing there is no reason to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)


def nothing() -> None: ...


@dataclass(frozen=True, slots=True)
class Around:
    """tick: about once a second. reload: before the first worker of a round is replaced, on SIGHUP;
    whether another round has to follow. reloaded: after its last, or where it was given up.
    leave: before anybody is told to. left: when all that serve have.
    """

    tick: Callable[[], None] = nothing
    reload: Callable[[], bool] = lambda: False
    reloaded: Callable[[bool], None] = lambda _: None
    leave: Callable[[], None] = nothing
    left: Callable[[], None] = nothing


def guarded(work: Callable[[], object]) -> object:
    """What it says; nothing where it fails: processes are looked after all the same."""
    try:
        return work()
    except Exception:
        log.exception("parent_failed")
        return None
