"""The admin port: `/metrics` of the whole node, `/livez`, `/readyz`; in a process of its own,
so that a busy worker cannot make it silent."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from adserver.metrics import Dump, DumpCollector, add_up
from adserver.serving.collect import Collected

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may read: loopback always, others with the token or from an allowed network."""

    token: str = field(default="", repr=False)
    allow: tuple[IPv4Network | IPv6Network, ...] = ()

    def admits(self, request: Request) -> bool:
        peer = ip_address(request.client.host) if request.client else None
        if peer is not None and peer.is_loopback:
            return True
        if peer is not None and any(peer in network for network in self.allow):
            return True
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        return bool(self.token) and (
            scheme.lower() == "bearer"
            and hmac.compare_digest(said.strip().encode(), self.token.encode())
        )


def admin_app(
    collected: Collected, guard: Guard, from_store: Callable[[], Awaitable[Dump]]
) -> Starlette:
    """from_store: the delivery gauges, empty while the store is away."""

    async def metrics(request: Request) -> Response:
        if not guard.admits(request):
            return PlainTextResponse(
                "The metrics need `Authorization: Bearer TOKEN`, or an address in "
                "ADSERVER_ADMIN_ALLOW.\n",
                401,
                {"www-authenticate": "Bearer"},
            )
        dump = add_up([await collected.dump(), await from_store()])
        registry = CollectorRegistry(auto_describe=False)
        registry.register(DumpCollector(dump))
        return Response(generate_latest(registry), media_type=TEXT_FORMAT)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        """Ready while a snapshot is held by every worker, even while the store is away."""
        dump = await collected.dump()
        generation = gauge(dump, "generation")
        ready = collected.workers > 0 and generation > 0
        body = {
            "ready": ready,
            "generation": int(generation),
            "store": "up" if gauge(dump, "store_up") else "away",
            "workers": collected.workers,
        }
        return JSONResponse(body, 200 if ready else 503)

    return Starlette(
        routes=[Route("/metrics", metrics), Route("/livez", livez), Route("/readyz", readyz)]
    )


def gauge(dump: Dump, name: str) -> float:
    rows = dump.get(name, [])
    return float(rows[0][1]) if rows else 0.0
