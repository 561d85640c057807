"""Clients of the store: short timeouts, no silent retries, one error for all that can go wrong.

What is asked of a client is the same wherever it leads: one server, the master that sentinels
name, or the masters of a Cluster. A failover shows as StoreUnavailable; the next call finds the
new master.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from ssl import SSLContext
from typing import Any, TypeAlias

import redis
import redis.asyncio
from redis.asyncio import BlockingConnectionPool, UnixDomainSocketConnection
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import (
    AuthenticationError,
    RedisClusterException,
    RedisError,
    ResponseError,
)
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel

from adserver.core.errors import StoreUnavailable
from adserver.store.address import CLUSTER, SENTINEL, SOCKET, Address, read_address
from adserver.store.cluster import ClusterClient, Host
from adserver.store.tls_connections import SentinelTlsConnection, TlsConnection

Client: TypeAlias = redis.Redis | RedisCluster
AsyncClient: TypeAlias = redis.asyncio.Redis | ClusterClient

# The data plane never waits longer, for a connection or for an answer: it counts late rather than
# answers late. A server that stands still is also found out this quickly.
SOCKET_TIMEOUT_SECONDS = 0.5
# The command line may read a year of rows in one call.
COMMAND_LINE_TIMEOUT_SECONDS = 10.0
CONNECT_TIMEOUT_SECONDS = 2.0
# Of a worker: one for each journal that it ships (its own, and 64 that others have left), and for
# calls beside requests.
MAX_CONNECTIONS = 80
# Callers wait for a connection, rather than fail, when all are in use.
WAITING: dict[str, Any] = {"max_connections": MAX_CONNECTIONS, "timeout": CONNECT_TIMEOUT_SECONDS}


def async_client(url: str) -> AsyncClient:
    """Connects with the first call."""
    address = read_address(url)
    options = options_of(SOCKET_TIMEOUT_SECONDS, SOCKET_TIMEOUT_SECONDS)
    context = address.tls.context() if address.tls else None
    if address.kind == CLUSTER:
        return ClusterClient(address.hosts, {**options, **address.login}, context)
    pool_options: dict[str, Any] = {"db": address.db, **options, **address.login}
    if context is not None:
        tls = SentinelTlsConnection if address.kind == SENTINEL else TlsConnection
        pool_options |= {"connection_class": tls, "context": context}
    if address.kind == SENTINEL:
        watchers = AsyncSentinel([])  # type: ignore[no-untyped-call]
        watchers.sentinels = [sentinel(host, address, options, context) for host in address.hosts]
        return redis.asyncio.Redis.from_pool(
            SentinelPool(address.name, watchers, **WAITING, **pool_options)  # type: ignore[no-untyped-call]
        )
    if address.kind == SOCKET:
        del pool_options["socket_connect_timeout"]
        pool_options |= {"connection_class": UnixDomainSocketConnection, "path": address.path}
    else:
        pool_options |= dict(zip(("host", "port"), address.hosts[0], strict=True))
    return redis.asyncio.Redis.from_pool(BlockingConnectionPool(**WAITING, **pool_options))


def sentinel(
    host: Host, address: Address, options: dict[str, Any], context: SSLContext | None
) -> redis.asyncio.Redis:
    """A client of one sentinel, for a worker."""
    its: dict[str, Any] = {"host": host[0], "port": host[1], **options, **address.sentinel_login}
    if context is not None:
        its |= {"connection_class": TlsConnection, "context": context}
    return redis.asyncio.Redis.from_pool(BlockingConnectionPool(**WAITING, **its))


class SentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to the master that the sentinels name; closes those to the sentinels too."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


@contextmanager
def client(url: str) -> Iterator[Client]:
    """A client for one command of the command line. StoreUnavailable if no node of a Cluster
    answers; the others connect with the first call."""
    address = read_address(url)
    tls = address.tls.options() if address.tls else {}
    common = options_of(CONNECT_TIMEOUT_SECONDS, COMMAND_LINE_TIMEOUT_SECONDS) | tls
    options = common | address.login
    if address.kind == CLUSTER:
        with answering():
            cluster = cluster_client(address, options)
        with cluster:
            yield cluster
    elif address.kind == SENTINEL:
        login = {"socket_timeout": SOCKET_TIMEOUT_SECONDS, **address.sentinel_login}
        watchers = Sentinel(address.hosts, sentinel_kwargs=common | login)  # type: ignore[no-untyped-call]
        try:
            with watchers.master_for(address.name, db=address.db, **options) as master:  # type: ignore[no-untyped-call]
                yield master
        finally:
            for one in watchers.sentinels:
                one.close()
    elif address.kind == SOCKET:
        with redis.Redis(unix_socket_path=address.path, db=address.db, **options) as server:
            yield server
    else:
        [(host, port)] = address.hosts
        with redis.Redis(host=host, port=port, db=address.db, **options) as server:
            yield server


def cluster_client(address: Address, options: dict[str, Any]) -> RedisCluster:
    nodes = [ClusterNode(*host) for host in address.hosts]  # type: ignore[no-untyped-call]
    # What it asks at first may be repeated: of the nodes that it knows, one may be away.
    first = options | {"retry": Retry(NoBackoff(), len(nodes))}
    found = RedisCluster(startup_nodes=nodes, require_full_coverage=False, **first)
    found.set_retry(options["retry"])
    return found


def options_of(connect_seconds: float, answer_seconds: float) -> dict[str, Any]:
    """What every client has. A connection begins with HELLO and the login, and nothing else: that
    needs no permission, and redis-py takes TLS's session tickets, which come behind the handshake,
    for stray answers unless one has been read."""
    return {
        "protocol": 3,
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        "socket_connect_timeout": connect_seconds,
        "socket_timeout": answer_seconds,
        # The client's own retries would send a batch twice without telling, and wait meanwhile.
        "retry": Retry(NoBackoff(), 0),
    }


# How redis-py names a sentinel in its errors: with all that it knows.
CLIENT = re.compile(r"<redis\S*\.Redis\(.*?host=([^,)]+),port=(\d+).*?\)>\)>\)>")


@contextmanager
def answering() -> Iterator[None]:
    """Whatever goes wrong between us and the store is StoreUnavailable, with its cause."""
    try:
        yield
    except (RedisError, RedisClusterException, OSError, TimeoutError) as error:
        raise unavailable(error) from error
    except RuntimeError as error:
        # uvloop's word for a connection that was closed between two looks at it.
        if "closed" not in str(error):
            raise
        raise unavailable(error) from error


def unavailable(error: BaseException) -> StoreUnavailable:
    what = "refused" if is_refusal(error) else "did not answer"
    text = CLIENT.sub(r"\1:\2", str(reason_of(error)))
    return StoreUnavailable(f"the store {what}: {text}")


def is_refusal(error: BaseException) -> bool:
    """Whether the store has answered, and the answer is no."""
    return isinstance(reason_of(error), (ResponseError, AuthenticationError))


def reason_of(error: BaseException) -> BaseException:
    """What a node of a Cluster said; redis-py calls any refusal a Cluster that is none."""
    while isinstance(error, RedisClusterException):
        cause = error.__cause__ or error.__context__
        if cause is None:
            break
        error = cause
    return error


def script(name: str) -> str:
    return resources.files("adserver.store").joinpath("scripts", f"{name}.lua").read_text("utf-8")
