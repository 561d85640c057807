"""The connection kept for counting: an answer is always that of its own call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio

from adserver.core.errors import StoreUnavailable
from adserver.store.connect import MAX_CONNECTIONS
from adserver.store.line import Line, Script, hung_up

ECHO = Script("return ARGV[1]")
BROKEN = Script("return redis.call('NO SUCH COMMAND')")


async def test_a_script_is_run_and_answers(beside: redis.asyncio.Redis) -> None:
    line = Line(beside)
    assert await line.run(ECHO, [], ["one"]) == b"one"
    assert await line.run(ECHO, [], [2]) == b"2"


async def test_a_call_that_was_given_up_leaves_no_answer_to_the_next(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    line = Line(beside)
    await line.run(ECHO, [], ["before"])
    store.client_pause(60_000, all=False)
    given_up = asyncio.create_task(line.run(ECHO, [], ["given up"]))
    await asyncio.wait([given_up], timeout=0.05)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    store.client_unpause()
    assert await line.run(ECHO, [], ["after"]) == b"after"


async def test_failures_do_not_use_up_connections(beside: redis.asyncio.Redis) -> None:
    line = Line(beside)
    for _ in range(MAX_CONNECTIONS * 2):
        with pytest.raises(StoreUnavailable):
            await line.run(BROKEN, [], [])
    assert await line.run(ECHO, [], ["still"]) == b"still"
    assert await beside.ping()


async def test_a_connection_that_was_closed_meanwhile_is_opened_anew_and_nobody_notices(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    line = Line(beside)
    await line.run(ECHO, [], ["before"])
    store.client_kill_filter(_type="normal", skipme=True)
    async with asyncio.timeout(20):
        while not hung_up(line._connection):  # noqa: ASYNC110 - until the news has come
            await asyncio.sleep(0.001)
    assert await line.run(ECHO, [], ["after"]) == b"after"


async def test_calls_that_come_at_once_each_get_their_own_answer(
    beside: redis.asyncio.Redis,
) -> None:
    line = Line(beside)
    answers = await asyncio.gather(*[line.run(ECHO, [], [n]) for n in range(50)])
    assert answers == [b"%d" % n for n in range(50)]


async def test_who_waits_for_a_turn_and_gives_up_takes_nobodys_answer(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    line = Line(beside)
    await line.run(ECHO, [], ["before"])
    store.client_pause(60_000, all=False)
    first, second, third = (
        asyncio.create_task(line.run(ECHO, [], [what])) for what in ("first", "second", "third")
    )
    await asyncio.wait([first], timeout=0.05)
    first.cancel()
    second.cancel()
    await asyncio.wait([first, second])
    store.client_unpause()
    assert await third == b"third"


async def test_a_script_that_was_forgotten_and_stalls_leaves_no_answer_to_the_next(
    beside: redis.asyncio.Redis, store: Any
) -> None:
    line, script = Line(beside), Script("return ARGV[1] .. redis.call('INCR', KEYS[1])")
    store.script_flush()
    store.client_pause(60_000, all=False)
    with pytest.raises(StoreUnavailable):
        await line.run(script, ["blog:n"], ["given up "])
    store.client_unpause()
    assert (await line.run(script, ["blog:n"], ["after "])).startswith(b"after ")
