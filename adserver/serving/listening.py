"""The server of one process: what listens on its socket, from its first reader to its last."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from adserver.serving.accepting import Accepting
from adserver.serving.closing import waiting
from adserver.serving.edge import Edge
from adserver.serving.protocol import AdProtocol
from adserver.serving.tasks import cancel

ACCEPTING_SECONDS = 2.0
ACCEPTING_LOOK_SECONDS = 0.02
DRAIN_SECONDS = 10


class Server(uvicorn.Server):
    """uvicorn's server, told by SIGTERM alone, and saying when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None], edge: Edge) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._edge = edge

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        sweeping = asyncio.create_task(self._edge.sweeping())
        try:
            await super().serve(sockets)
        finally:
            await cancel([sweeping])

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The stock one raises the signal again when it has served: we still have to flush.
        signal.signal(signal.SIGTERM, self.handle_exit)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._accepting = Accepting(sockets or [], self._connect, self._edge.room)
        self._on_ready()

    def _connect(self) -> asyncio.Protocol:
        """As uvicorn does for those whom the event loop accepts."""
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whom the kernel has let in is accepted before the socket is closed, and answered."""
        self._edge.leaving = True
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await accept_waiting(sockets or [])
        self._accepting.stop()
        await super().shutdown(sockets)


async def accept_waiting(listening: list[socket.socket]) -> None:
    """Until nobody waits to be accepted, which the event loop does meanwhile, one a turn.

    Where others listen as well, some always wait, for them: we stay a little, and go.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + ACCEPTING_SECONDS
    while loop.time() < end:
        await asyncio.sleep(ACCEPTING_LOOK_SECONDS)
        if not any(map(waiting, listening)):
            return


def server(app: ASGIApp, on_ready: Callable[[], None], edge: Edge) -> Server:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=partial(AdProtocol, edge=edge),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return Server(config, on_ready, edge)
