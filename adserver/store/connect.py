"""Clients of the store: short timeouts, no silent retries, one error for all that can go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from urllib.parse import urlsplit

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from adserver.core.errors import SettingsError, StoreUnavailable

SCHEMES = ("redis", "rediss", "unix")
CONNECT_TIMEOUT_SECONDS = 2.0
# The data plane never waits longer for an answer; it counts late rather than answers late.
SOCKET_TIMEOUT_SECONDS = 0.5
# The command line may read a year of rows in one call.
COMMAND_LINE_TIMEOUT_SECONDS = 10.0
# Batches, tallies and reads beside requests; each worker holds at most this many connections.
MAX_CONNECTIONS = 8


def check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        expected = ", ".join(f"{scheme}://…" for scheme in SCHEMES)
        raise SettingsError(
            f"--redis {url!r} is not an address of a store; expected embedded:DIR, {expected}"
        )
    return url


def async_client(url: str) -> redis.asyncio.Redis:
    # The client's own retries would send a batch twice without telling (see the ADR on counting).
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        check_url(url),
        max_connections=MAX_CONNECTIONS,
        timeout=CONNECT_TIMEOUT_SECONDS,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return redis.asyncio.Redis.from_pool(pool)


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        check_url(url),
        socket_timeout=COMMAND_LINE_TIMEOUT_SECONDS,
        socket_connect_timeout=CONNECT_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


@contextmanager
def answering() -> Iterator[None]:
    """Whatever goes wrong between us and the store is StoreUnavailable, with its cause."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(f"the store did not answer: {error}") from error


def script(name: str) -> str:
    return resources.files("adserver.store").joinpath("scripts", f"{name}.lua").read_text("utf-8")
