"""The campaign files of a call, read as fast as this machine can."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from adserver.cli.options import Invocation
from adserver.publishing.elsewhere import cores
from adserver.publishing.read import Reading, read_folder


def read_files(invocation: Invocation) -> Reading:
    with uncollected():
        folder = invocation.settings().config
        return read_folder(folder, now=invocation.now(), cores=cores())


@contextmanager
def uncollected() -> Iterator[None]:
    """Millions of small values are made and nearly all are kept: looking among them for garbage,
    again and again, takes a seventh of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
