"""Clients of every topology, and one error for all that can go wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

import adserver.store
from adserver.core.errors import StoreUnavailable
from adserver.store.connect import answering, client, script

SCRIPTS = Path(adserver.store.__file__).parent / "scripts"


def test_a_store_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with (
        client(f"unix://{tmp_path}/none.sock") as absent,
        pytest.raises(StoreUnavailable),
        answering(),
    ):
        absent.ping()


@pytest.mark.parametrize("kind", [RedisConnectionError, TimeoutError, OSError])
def test_whatever_goes_wrong_is_told_with_its_cause(kind: type[Exception]) -> None:
    with pytest.raises(StoreUnavailable, match="because") as told, answering():
        raise kind("because")
    assert isinstance(told.value.__cause__, kind)


@pytest.mark.parametrize("ours", [KeyError("ours"), RuntimeError("ours")])
def test_a_defect_of_ours_is_not_taken_for_the_stores(ours: Exception) -> None:
    with pytest.raises(type(ours), match="ours"), answering():
        raise ours


async def test_a_connection_that_was_closed_beside_the_call_is_the_stores(tmp_path: Path) -> None:
    """By another call, or by the other end: uvloop says it with an error of its own."""
    path = tmp_path / "store.sock"
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), path)
    async with server:
        _, writer = await asyncio.open_unix_connection(path)
        writer.transport.abort()
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable), answering():
            writer.writelines([b"PING"])


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("*.lua")))
def test_every_script_says_what_it_takes_and_what_it_returns(name: str) -> None:
    text = script(name)
    assert text.startswith("-- ")
    for word in ("-- KEYS: ", "ARGV: ", "-- Returns "):
        assert word in text
