"""A connection kept for script calls, one in flight at a time.

What counting sends thousands of times a second goes straight to the connection: taking one
from the pool, giving it back and the client's bookkeeping cost as much as the call itself.
"""

from __future__ import annotations

import asyncio
from hashlib import sha1
from typing import Any

import redis.asyncio
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError

from adserver.store.connect import answering

Part = str | bytes | int


class Line:
    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._pool: Any = client.connection_pool
        self._connection: AbstractConnection | None = None
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
                await self._hang_up()
            if self._connection is None:
                self._connection = await self._pool.get_connection()
            try:
                return await self._call("EVALSHA", script.digest, len(keys), *keys, *args)
            except NoScriptError:
                # The store was restarted or told to forget its scripts; nothing has run.
                return await self._call("EVAL", script.source, len(keys), *keys, *args)
            except BaseException:
                # An answer that comes later must not be taken for the next call's.
                await self._hang_up()
                raise

    async def _call(self, *parts: Part) -> Any:
        connection: Any = self._connection
        await connection.send_command(*parts)
        return await connection.read_response()

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)


def hung_up(connection: Any) -> bool:
    """Whether the other end has closed; asked of the streams, as redis-py's own way reads."""
    reader, writer = connection._reader, connection._writer
    return reader is None or writer is None or reader.at_eof() or writer.is_closing()


class Script:
    """A Lua script and the digest by which the store knows it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
