"""A connection that ends is gone at once: Python looks for garbage rarely (`adserver.between`)."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from adserver.serving.protocol import AdProtocol
from tests.serving.wire import Port, opened

CONNECTIONS = 5
PATIENCE_SECONDS = 10.0


@pytest.fixture
def never_looked() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left() -> int:
    return sum(isinstance(one, AdProtocol) for one in gc.get_objects())


async def ask_and_leave(port: Port) -> None:
    for _ in range(CONNECTIONS):
        async with port.connected() as reader:
            reader.send("GET /short HTTP/1.1")
            await reader.answer()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while port.uvicorn.server_state.connections:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@pytest.mark.usefixtures("never_looked")
async def test_a_connection_that_ends_leaves_nothing_to_be_looked_for() -> None:
    async with opened() as port:
        await ask_and_leave(port)
        assert left() == 0


@pytest.mark.usefixtures("never_looked")
async def test_control_one_that_keeps_its_parser_does(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = AdProtocol.connection_lost

    def keeping(self: AdProtocol, exc: Exception | None) -> None:
        parser = self.parser
        ends(self, exc)
        self.parser = parser

    monkeypatch.setattr(AdProtocol, "connection_lost", keeping)
    async with opened() as port:
        await ask_and_leave(port)
        assert left() == CONNECTIONS
    gc.collect()
