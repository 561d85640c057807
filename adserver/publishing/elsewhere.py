"""A part of the work that another process does meanwhile, on another core.

The process is a fork: it begins with all that is known here and hands back one value. Only for
programs of one thread that wait for the answer.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

T = TypeVar("T")


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def begin(work: Callable[[], T]) -> Callable[[], T]:
    """Begin the work; the answer waits for its value.

    Where the process comes to grief the work is done here, and fails here if it has to.
    """
    fork = get_context("fork")
    receiving, sending = fork.Pipe(duplex=False)
    process = fork.Process(target=hand_back, args=(work, sending), daemon=True)
    process.start()
    sending.close()

    def value() -> T:
        try:
            found: T = receiving.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            found = work()
        finally:
            receiving.close()
            process.join()
        return found

    return value


def hand_back(work: Callable[[], Any], sending: Connection) -> None:
    """What goes wrong in the work is left to whoever waits: it does it again, and sees it.

    A value that cannot be sent is a mistake of ours, and is told on stderr.
    """
    try:
        value = work()
    except Exception:
        return
    sending.send(value)
