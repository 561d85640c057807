"""What the workers of a node tell each other of events, without ever waiting for each other."""

from __future__ import annotations

import fcntl
import os
from mmap import mmap
from pathlib import Path

import pytest

from adserver.core.events import Event, Kind
from adserver.core.seen import MEMORY_BYTES
from adserver.serving import seen as module
from adserver.serving.seen import SharedSeen


@pytest.fixture
def pair(tmp_path: Path) -> tuple[SharedSeen, SharedSeen]:
    memory, lock = mmap(-1, MEMORY_BYTES), tmp_path / "lock"
    return SharedSeen(memory, lock), SharedSeen(memory, lock)


def event(serial: int = 1) -> int:
    return Event(Kind.IMPRESSION, 7, serial, 1, 2, 3).bit


def test_what_one_has_shared_the_other_knows(pair: tuple[SharedSeen, SharedSeen]) -> None:
    one, other = pair
    one.add(event())
    assert one.has(event())
    assert not other.has(event())
    one.share()
    assert other.has(event())
    one.close()
    other.close()


def test_nobody_waits_for_who_is_sharing(
    pair: tuple[SharedSeen, SharedSeen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNTOLD", 10)
    one, other = pair
    stopped = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(stopped, fcntl.LOCK_EX)
    for serial in range(1, 12):
        one.add(event(serial))
    one.share()
    assert not other.has(event())
    os.close(stopped)  # whatever ended it
    one.share()
    assert other.has(event())
    assert other.has(event(10))
    assert not other.has(event(11)), "past the limit, the store tells them"


def test_of_a_batch_each_is_new_once_and_the_other_knows_them(
    pair: tuple[SharedSeen, SharedSeen], tmp_path: Path
) -> None:
    one, other = pair
    one.add(event(4))
    assert one.add_all([event(), event(2), event(), event(4)]) == [True, True, False, False]
    assert other.add_all([event(2), event(3), event(4)]) == [False, True, False]
    assert one.add_all([]) == []
    # Whoever cannot tell the others knows them himself, and tells them the next time.
    stopped = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(stopped, fcntl.LOCK_EX)
    assert one.add_all([event(5), event(5), event(3)]) == [True, False, False]
    assert not other.has(event(5))
    os.close(stopped)
    assert one.add_all([event(6)]) == [True]
    assert all(other.has(event(serial)) for serial in range(1, 7))


def test_alone_a_worker_knows_what_it_was_told() -> None:
    alone = SharedSeen()
    alone.add(event())
    alone.share()
    assert alone.has(event())
    assert not alone.has(event(2))
    alone.close()
