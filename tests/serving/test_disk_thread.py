"""What is asked of a disk is done in a thread, in order, and told to whoever waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from adserver.serving.disk_thread import DiskThread

PATIENCE_SECONDS = 10.0


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "journal"]


async def test_it_is_done_elsewhere_in_order_and_the_loop_goes_on_meanwhile() -> None:
    disk, gate, done = DiskThread(), threading.Event(), list[tuple[int, str]]()

    def work(number: int) -> Callable[[], None]:
        def run() -> None:
            assert gate.wait(PATIENCE_SECONDS)
            done.append((number, threading.current_thread().name))

        return run

    asked = [disk.do(work(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in asked)
    gate.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*asked)
    assert done == [(0, "journal"), (1, "journal"), (2, "journal")]
    disk.close()


async def test_what_goes_wrong_is_told_to_who_asked_and_to_nobody_else() -> None:
    disk = DiskThread()

    def fail() -> None:
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        await disk.do(fail)
    await disk.do(lambda: None)
    disk.close()


async def test_who_has_gone_is_not_told() -> None:
    disk, gate = DiskThread(), threading.Event()
    gone = disk.do(lambda: assert_true(gate.wait(PATIENCE_SECONDS)))
    gone.cancel()
    gate.set()
    await disk.do(lambda: None)
    assert gone.cancelled()
    disk.close()


def assert_true(what: bool) -> None:
    assert what


async def test_to_close_waits_for_what_was_asked_and_leaves_no_thread() -> None:
    before = len(threads())
    disk, done = DiskThread(), list[int]()
    disk.close()  # of one that nothing was asked of
    asked = disk.do(lambda: done.append(1))
    assert len(threads()) == before + 1
    disk.close()
    assert done == [1]
    assert len(threads()) == before
    await asked
    await disk.do(lambda: done.append(2))  # it can begin again
    disk.close()
    assert done == [1, 2]


def test_a_loop_that_has_been_closed_is_not_told() -> None:
    disk, gate, errors = DiskThread(), threading.Event(), list[threading.ExceptHookArgs]()
    hook, threading.excepthook = threading.excepthook, errors.append
    try:
        loop = asyncio.new_event_loop()

        async def ask() -> None:
            disk.do(lambda: assert_true(gate.wait(PATIENCE_SECONDS)))

        loop.run_until_complete(ask())
        loop.close()
        gate.set()
        disk.close()
    finally:
        threading.excepthook = hook
    assert errors == []
