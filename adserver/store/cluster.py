"""The client of a Cluster, for a worker: redis-py's, and whom else its callers may connect to."""

from __future__ import annotations

from collections.abc import Sequence
from ssl import SSLContext
from typing import Any

import redis.asyncio
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

from adserver.store.tls_connections import TlsConnection

Host = tuple[str, int]
# Nodes that others have named: each that is gone by now costs whoever asks it a time-out.
MAX_LEARNT = 16


class FirstKey:
    """Where the keys of a command are: ours, but for scripts, have theirs in the first place.

    redis-py asks one node, always the same, and can do nothing at all while that one is away.
    """

    async def initialize(self, node: Any = None) -> None:
        """There is nothing to ask for."""

    async def get_keys(self, *command: Any) -> Sequence[Any]:
        return command[1:2]


class ClusterClient(redis.asyncio.RedisCluster):
    """hosts: some nodes; the others are learnt from them. options: of each connection."""

    def __init__(
        self, hosts: tuple[Host, ...], options: dict[str, Any], context: SSLContext | None = None
    ) -> None:
        super().__init__(
            startup_nodes=[ClusterNode(host, port) for host, port in hosts],
            # A part whose masters are away is for those who need it to be told.
            require_full_coverage=False,
            # Or it would hang up on all calls under way after so many redirections.
            reinitialize_steps=0,
            **options,
        )
        parser: Any = FirstKey()
        self.commands_parser = parser
        self._given = hosts
        self._learnt: dict[Host, None] = {}
        self._options = options
        self._kind: type[Connection] = Connection
        if context is not None:
            self._options, self._kind = {**options, "context": context}, TlsConnection
            # Nodes copy these when they are made; the first ones are made already.
            self.connection_kwargs |= {"context": context, "connection_class": TlsConnection}
            for node in self.nodes_manager.startup_nodes.values():
                node.connection_class = TlsConnection
                node.connection_kwargs["context"] = context
        self._lent: set[Any] = set()

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        await self.initialize()
        try:
            return await super().execute_command(*args, **kwargs)
        except AttributeError as error:
            # Another call was told CLUSTERDOWN, and redis-py closed the connections of all.
            raise RedisConnectionError("the connection was closed while it was used") from error

    async def connected_to(self, host: Host) -> Any:
        """A connection of the caller's own, until it is given back or the client is closed."""
        connection: Any = self._kind(host=host[0], port=host[1], **self._options)
        self._lent.add(connection)
        try:
            await connection.connect()
        except BaseException:
            await self.give_back(connection)
            raise
        return connection

    async def give_back(self, connection: Any) -> None:
        self._lent.discard(connection)
        await connection.disconnect(nowait=True)

    async def aclose(self) -> None:
        for connection in list(self._lent):
            await self.give_back(connection)
        # After a failure redis-py takes itself for closed, and would leave its connections open.
        self._initialize = False
        await super().aclose()

    def learn(self, host: Host) -> None:
        """A node has named this one, as a slot's master."""
        self._learnt.pop(host, None)
        self._learnt[host] = None
        if len(self._learnt) > MAX_LEARNT:
            del self._learnt[next(iter(self._learnt))]

    @property
    def hosts(self) -> list[Host]:
        """Those that we were told of, and those that have been learnt."""
        known = [(node.host, int(node.port)) for node in self.get_nodes()]
        return list(dict.fromkeys([*self._given, *known, *self._learnt]))

    def another(self, host: Host) -> Host:
        """The one after this one, whoever that is: each is asked in its turn."""
        hosts = self.hosts
        return hosts[(hosts.index(host) + 1) % len(hosts)] if host in hosts else hosts[0]
