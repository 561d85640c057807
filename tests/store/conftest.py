"""Two real stores, each started once: the embedded Valkey and Debian's Redis 7.0.

Every test gets one that is empty, and a test that asks for `store_url` runs on both.
"""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import redis
import redis.asyncio

from adserver.store.connect import async_client, client
from adserver.store.counts import StoredCounts
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from tests.programs import needs
from tests.servers import until

TICKET_LIFE_SECONDS = 86_400


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Embedded(tmp_path_factory.mktemp("valkey")).used(stop_if_last=True) as url:
        yield url


@pytest.fixture(scope="session")
def redis_7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("redis")
    address = f"unix://{folder}/redis.sock"
    settings = {"port": "0", "unixsocket": f"{folder}/redis.sock", "dir": str(folder), "save": ""}
    command = [needs("redis-server")]
    for name, value in settings.items():
        command += [f"--{name}", value]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: answers(address))
        yield address
    finally:
        process.terminate()
        process.wait()


def answers(address: str) -> bool:
    with redis.Redis.from_url(address) as probe:
        try:
            return bool(probe.ping())
        except redis.RedisError:
            return False


@pytest.fixture(params=["valkey", "redis_7"])
def store_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    with redis.Redis.from_url(url) as admin:
        admin.client_unpause()
        admin.flushall()
    return url


@pytest.fixture
def keys() -> Keys:
    return Keys("blog")


@pytest.fixture
def store(store_url: str) -> Iterator[Any]:
    """A client that a test looks into the store with."""
    with client(store_url) as connection:
        yield connection


@pytest.fixture
async def beside(store_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """A client as a worker has it."""
    connection = async_client(store_url)
    try:
        yield connection
    finally:
        await connection.aclose()


@pytest.fixture
def counts(beside: redis.asyncio.Redis, keys: Keys) -> StoredCounts:
    return StoredCounts(beside, keys, TICKET_LIFE_SECONDS)
