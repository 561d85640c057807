"""Answers that leave together: in order, each once, and none to those who have left."""

from __future__ import annotations

import asyncio
from typing import Any

from adserver.serving.outbox import MOST_ANSWERS, Outbox


class Wire:
    """A transport that keeps what is written to it, in the order of all of them."""

    def __init__(self, log: list[Any]) -> None:
        self._log = log
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self._log.append(data)


def put(outbox: Outbox, wire: Any, answer: bytes) -> None:
    outbox.put(wire, answer)


async def test_they_leave_behind_the_round_in_order() -> None:
    log: list[Any] = []
    outbox, one, other = Outbox(), Wire(log), Wire(log)
    put(outbox, one, b"1")
    put(outbox, other, b"2")
    put(outbox, one, b"3")
    assert log == []
    await asyncio.sleep(0)
    assert log == [b"1", b"2", b"3"]
    await asyncio.sleep(0)
    put(outbox, one, b"4")
    await asyncio.sleep(0)
    assert log == [b"1", b"2", b"3", b"4"]


async def test_a_long_round_does_not_keep_them() -> None:
    log: list[Any] = []
    outbox = Outbox()
    for number in range(MOST_ANSWERS - 1):
        put(outbox, Wire(log), b"%d" % number)
    assert log == []
    put(outbox, Wire(log), b"last")
    assert len(log) == MOST_ANSWERS
    put(outbox, Wire(log), b"of the next")
    await asyncio.sleep(0)
    assert log[MOST_ANSWERS:] == [b"of the next"]


async def test_who_has_left_gets_none() -> None:
    log: list[Any] = []
    outbox, gone, there = Outbox(), Wire(log), Wire(log)
    put(outbox, gone, b"1")
    put(outbox, there, b"2")
    gone.closing = True
    await asyncio.sleep(0)
    assert log == [b"2"]
