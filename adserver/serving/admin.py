"""The admin port: `/metrics` of the whole node, `/livez`, `/readyz`; in a process of its own,
so that a busy worker cannot make it silent."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from adserver.metrics.exposition import DumpCollector, add_up
from adserver.metrics.meter import Dump
from adserver.serving.collect import Collected
from adserver.serving.hosts import LOCAL, Hosts
from adserver.serving.peers import asks_for_itself, is_in, peer_of

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"

# For the eyes of whoever asked: in no cache, and in no page of another origin.
OURS_ALONE = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


@dataclass(slots=True)
class Guard:
    """Who may read: loopback, an allowed network, and whoever has the token.

    An address lets in who asks for itself, and not who comes through a proxy; and who asks for an
    address or for a name that is surely ours: a page that has turned its own name to an address of
    ours ("DNS rebinding") asks for that name. names: those that are, besides local ones.
    """

    token: str = field(default="", repr=False)
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    names: tuple[str, ...] = ()
    _local: Hosts = field(init=False, repr=False, compare=False)
    _named: Hosts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._local = Hosts(LOCAL, addresses=True)
        self._named = Hosts((*LOCAL, *self.names), addresses=True)

    def admits(self, request: Request) -> bool:
        peer = peer_of(request.scope)
        if peer is not None and asks_for_itself(request.scope):
            host = request.headers.get("host", "").encode("latin-1")
            if peer.is_loopback and is_one_of(self._local, host):
                return True
            if is_in(peer, self.allow) and is_one_of(self._named, host):
                return True
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        return bool(self.token) and (
            scheme.lower() == "bearer"
            and hmac.compare_digest(said.strip().encode(), self.token.encode())
        )


def is_one_of(hosts: Hosts, host: bytes) -> bool:
    """Whoever names no host is no browser."""
    return not host or hosts.refusal(host) is None


def admin_app(
    collected: Collected, guard: Guard, from_store: Callable[[], Awaitable[Dump]]
) -> Starlette:
    """from_store: the delivery gauges, empty while the store is away."""

    async def metrics(request: Request) -> Response:
        if not guard.admits(request):
            return PlainTextResponse(
                "The metrics need `Authorization: Bearer TOKEN`, or an address in "
                "ADSERVER_ADMIN_ALLOW; through a proxy, or by a name that is not in "
                "ADSERVER_ALLOWED_HOSTS, the token.\n",
                401,
                OURS_ALONE | {"www-authenticate": "Bearer"},
            )
        dump = add_up([await collected.dump(), await from_store()])
        registry = CollectorRegistry(auto_describe=False)
        registry.register(DumpCollector(dump))
        return Response(generate_latest(registry), headers=OURS_ALONE, media_type=TEXT_FORMAT)

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=OURS_ALONE)

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
        return JSONResponse(body, 200 if ready else 503, OURS_ALONE)

    app = Starlette(
        routes=[Route("/metrics", metrics), Route("/livez", livez), Route("/readyz", readyz)]
    )
    app.router.redirect_slashes = False  # it would send people on to whatever Host they said
    return app


def gauge(dump: Dump, name: str) -> float:
    rows = dump.get(name, [])
    return float(rows[0][1]) if rows else 0.0
