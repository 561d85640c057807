"""The client of a Cluster, for a worker: redis-py's, and whom else its callers may connect to."""

from __future__ import annotations

from ssl import SSLContext
from typing import Any

import redis.asyncio
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

from adserver.store.tls import TlsConnection

Host = tuple[str, int]


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
        self._hosts = dict.fromkeys(hosts)
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
        await super().aclose()

    def learn(self, host: Host) -> None:
        """A node has named this one."""
        self._hosts[host] = None

    @property
    def hosts(self) -> list[Host]:
        """Those that we were told of, and those that have been learnt."""
        return list({**self._hosts, **{(n.host, int(n.port)): None for n in self.get_nodes()}})

    def another(self, host: Host) -> Host:
        """The one after this one, whoever that is: each is asked in its turn."""
        hosts = self.hosts
        return hosts[(hosts.index(host) + 1) % len(hosts)] if host in hosts else hosts[0]
