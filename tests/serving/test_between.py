"""Long work is done between requests, and is no work for the collector of garbage."""

from __future__ import annotations

import asyncio
import gc

import pytest

from adserver.between import between_requests
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
