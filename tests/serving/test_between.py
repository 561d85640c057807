"""Long work is done between requests, and is no work for the collector of garbage."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from adserver.between import LOOK_AFTER, between_requests, look_rarely
from adserver.core.steps import ITEMS_PER_STEP, Steps, finish, in_steps


def counting(many: int, told: list[int]) -> Steps[int]:
    for number, ends in in_steps(range(many)):
        if ends:
            told.append(number)
            yield
    return many


async def test_others_have_their_turn_between_two_steps() -> None:
    told: list[int] = []
    seen: list[int] = []

    async def request() -> None:
        for _ in range(3):
            seen.append(len(told))
            await asyncio.sleep(0)

    other = asyncio.create_task(request())
    assert await between_requests(counting(5 * ITEMS_PER_STEP, told)) == 5 * ITEMS_PER_STEP
    await other
    assert len(told) == 5
    assert seen == sorted(set(seen)), "a step between each two looks"


@pytest.mark.parametrize("lasting", [True, False])
async def test_what_fails_is_told_and_leaves_the_collector_on(lasting: bool) -> None:
    def failing() -> Steps[None]:
        yield
        assert not gc.isenabled()
        raise ValueError("line 3")

    with pytest.raises(ValueError, match="line 3"):
        await between_requests(failing(), lasting=lasting)
    assert gc.isenabled()


def test_where_nobody_waits_it_is_done_at_once() -> None:
    assert finish(counting(250, [])) == 250


@pytest.fixture
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def full_looks(many: int) -> int:
    """How often Python looks through everything while so many objects are made and kept."""
    before, kept = gc.get_stats()[2]["collections"], []
    for _ in range(many):
        kept.append([kept])
    return int(gc.get_stats()[2]["collections"]) - before


# As many as a page for each of some thousand campaigns leaves behind.
KEPT = 150_000


@pytest.mark.usefixtures("thresholds")
def test_what_is_prepared_for_readers_is_hardly_ever_walked() -> None:
    look_rarely()
    gc.collect()
    assert full_looks(KEPT) == 0
    assert gc.get_threshold() == LOOK_AFTER


@pytest.mark.usefixtures("thresholds")
def test_control_python_by_itself_walks_it_again_and_again() -> None:
    gc.set_threshold(*LOOK_AFTER[:2], 10)
    # A quarter of what there was has to be new.
    many = max(KEPT, len(gc.get_objects()))
    gc.collect()
    assert full_looks(many) > 0
