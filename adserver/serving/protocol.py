"""The public port's HTTP: uvicorn's protocol without upgrades, with cycles of our own."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adserver.serving.cycle import JoiningCycle

# Longer than a request takes from a reader to us; a proxy's next one comes sooner.
LAST_REQUEST_SECONDS = 1.0


class AdProtocol(HttpToolsProtocol):
    """The protocol of the public port: no upgrades, no root path, cycles of our own."""

    leaving = False

    def shutdown(self) -> None:
        """The worker leaves. A request that is already on its way to us is still answered, and
        the answer says that the connection ends; stock uvicorn closes idle ones at once."""
        self.leaving = True
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LAST_REQUEST_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def _should_upgrade(self) -> bool:
        return False

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        parsed = httptools.parse_url(self.url)
        raw_path = parsed.path or b"/"
        path = raw_path.decode("ascii")
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = raw_path
        self.scope["query_string"] = parsed.query or b""
        before = self.cycle
        self.cycle = JoiningCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=not self.leaving and version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
