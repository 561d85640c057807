"""A connection kept for script calls, one in flight at a time.

What counting sends thousands of times a second goes straight to the connection: taking one
from the pool, giving it back and the client's bookkeeping cost as much as the call itself.
After any failure the next call connects anew: to the server, to whom the sentinels then name, or
to the node of the Cluster that then serves the keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from redis.exceptions import AskError, MovedError, NoScriptError, ResponseError

from adserver.store.cluster import ClusterClient, Host
from adserver.store.connect import AsyncClient, answering
from adserver.store.script import Part, Script

# From any node to a slot's master is one step, two while it moves.
MAX_REDIRECTIONS = 3


def line_to(client: AsyncClient) -> Line:
    return ClusterLine(client) if isinstance(client, ClusterClient) else Line(client)


class Line:
    """client: None where the line knows by itself whom to connect to. connections: how many there
    have been; behind a new one may be a store that has lost some of what it said before."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._connection: Any = None
        self.connections = 0
        # A worker's own journal has it nearly always; one that it has adopted now and then.
        self._turn = asyncio.Lock()

    async def run(self, script: Script, keys: list[str], args: list[Part]) -> Any:
        """The script's answer. After a failure the next call connects anew; nothing is re-sent."""
        async with self._turn:
            return await self._run(script, keys, args)

    async def _run(self, script: Script, keys: list[str], args: list[Part]) -> Any:
        with answering():
            if self._connection is not None and hung_up(self._connection):
                # Closed since the last call, by a restart or for being idle: nothing was sent.
                await self.close()
            try:
                if self._connection is None:
                    await self._connect()
                return await self._evaluate(script, keys, args)
            except ResponseError as error:
                await self.close()
                raise script.explained(error)  # noqa: B904 - the same error, with more to say
            except BaseException:
                # An answer that comes later must not be taken for the next call's.
                await self.close()
                raise

    async def _connect(self) -> None:
        self._connection = await self._connected()
        self.connections += 1

    async def _connected(self) -> Any:
        return await self._client.connection_pool.get_connection()

    async def _give_back(self, connection: Any) -> None:
        await connection.disconnect(nowait=True)
        await self._client.connection_pool.release(connection)

    def _evaluate(self, script: Script, keys: list[str], args: list[Part]) -> Awaitable[Any]:
        # Not a coroutine of its own: each costs its share of every call.
        return evaluate(self._connection, script, keys, args)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._give_back(connection)


class ClusterLine(Line):
    """Goes where the nodes of a Cluster send it. All keys of all its calls are of one slot."""

    def __init__(self, client: ClusterClient) -> None:
        super().__init__(client)
        self._cluster = client
        # Who served the last call; after a failure, who is asked next: any node knows who does.
        self._host: Host = client.hosts[0]

    async def _evaluate(self, script: Script, keys: list[str], args: list[Part]) -> Any:
        for _ in range(MAX_REDIRECTIONS):
            try:
                return await super()._evaluate(script, keys, args)
            except MovedError as moved:
                await super().close()
                self._host = self._told(moved)
                await self._connect()
            except AskError as ask:
                return await self._ask(self._told(ask), script, keys, args)
        raise ResponseError(f"{keys[0]} moved {MAX_REDIRECTIONS} times within one call")

    async def _connected(self) -> Any:
        return await self._cluster.connected_to(self._host)

    async def _give_back(self, connection: Any) -> None:
        await self._cluster.give_back(connection)

    async def _ask(self, host: Host, script: Script, keys: list[str], args: list[Part]) -> Any:
        """While a slot moves, what is not here any more is there, for those who say ASKING."""
        connection = await self._cluster.connected_to(host)
        try:
            return await evaluate(connection, script, keys, args, asking=True)
        finally:
            await self._cluster.give_back(connection)

    def _told(self, error: AskError) -> Host:
        host = (error.host or self._host[0], error.port)
        self._cluster.learn(host)
        return host

    async def close(self) -> None:
        await super().close()
        self._host = self._cluster.another(self._host)


async def evaluate(
    connection: Any, script: Script, keys: list[str], args: list[Part], *, asking: bool = False
) -> Any:
    try:
        if asking:
            await ask(connection)
        await connection.send_command("EVALSHA", script.digest, len(keys), *keys, *args)
        return await connection.read_response()
    except NoScriptError:
        # The store was restarted or told to forget its scripts; nothing has run.
        if asking:
            await ask(connection)
        await connection.send_command("EVAL", script.source, len(keys), *keys, *args)
        return await connection.read_response()


async def ask(connection: Any) -> None:
    """The next command may be for a slot that is on its way there."""
    await connection.send_command("ASKING")
    await connection.read_response()


def hung_up(connection: Any) -> bool:
    """Whether the other end has closed; asked of the streams, as redis-py's own way reads."""
    reader, writer = connection._reader, connection._writer
    return reader is None or writer is None or reader.at_eof() or writer.is_closing()
