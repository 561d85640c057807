"""A serving node: sockets, the store, the processes and what each of them is made of."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import structlog
import uvloop
from starlette.applications import Starlette
from starlette.types import ASGIApp

from adserver import logs
from adserver.core.errors import SettingsError, StoreUnavailable
from adserver.core.ports import KnownKey
from adserver.core.seen import MEMORY_BYTES
from adserver.core.ticket import Sealer
from adserver.metrics import Meter
from adserver.serving.admin import Guard, admin_app
from adserver.serving.app import PublicApp
from adserver.serving.asset_cache import AssetCache
from adserver.serving.collect import Collected
from adserver.serving.counting import Counting
from adserver.serving.journals import Journals
from adserver.serving.live import Live
from adserver.serving.seen import SharedSeen
from adserver.serving.shipping import Shipping
from adserver.serving.state import State
from adserver.serving.supervisor import Role, Supervisor
from adserver.serving.worker import (
    PARENT_SECONDS,
    Beside,
    cancel,
    forever,
    leave_with_parent,
    server,
    set_constant_gauges,
)
from adserver.settings import Settings
from adserver.store.address import shards_of
from adserver.store.catalogs import StoredLiveCatalog
from adserver.store.connect import AsyncClient, async_client
from adserver.store.counts import WRITER_BITS, StoredCounts
from adserver.store.embedded import Embedded
from adserver.store.keys import Keys
from adserver.wiring.admission import WAIT_SECONDS, admit
from adserver.wiring.control import store_url
from adserver.wiring.delivery import Delivery
from adserver.wiring.identity import JOURNALS
from adserver.wiring.secret_keys import read_private, signing_keys
from adserver.wiring.upkeep import UPKEEP_SECONDS, Upkeep

log = structlog.get_logger(__name__)
Answered = TypeVar("Answered")
# Makes what answers the paths that are not the ad server's; it may call the ad server itself.
MakeBeside = Callable[[Callable[[], ASGIApp]], ASGIApp]

BACKLOG = 2_048
MEBIBYTE = 1024 * 1024
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Node:
    """What the node's processes share: all made before the first of them is forked.

    folder: for sockets and locks, gone with the node. seen: memory of `core.seen`.
    begun: set when all of them are ready; who is forked later sees it.
    """

    settings: Settings
    store: str
    keys: list[bytes]
    guard: Guard
    public: socket.socket
    admin: socket.socket
    folder: str
    seen: mmap
    known: tuple[KnownKey, ...]
    begun: threading.Event
    identity: str

    @property
    def collect_path(self) -> str:
        return f"{self.folder}/admin.sock"

    @property
    def address(self) -> str:
        return address_of(self.settings.host, self.public)

    @property
    def admin_address(self) -> str:
        return address_of(self.settings.admin_host, self.admin)


def nothing_else(_: Callable[[], ASGIApp]) -> ASGIApp:
    """Beside the ads there is nothing: every other path is a plain 404."""
    return Starlette()


def serve(
    settings: Settings,
    announce: Callable[[Node], None],
    *,
    prepare: Callable[[Node], None] = lambda _: None,
    beside: Callable[[Node], MakeBeside] = lambda _: nothing_else,
    extra_roles: Callable[[Node], list[Role]] = lambda _: [],
) -> int:
    """Run a node until it is told to stop; the exit code.

    prepare: called before the processes start. announce: called when all of them are ready.
    """
    logs.set_up(settings.log_format)
    keys = signing_keys(settings)
    guard = guard_of(settings)
    check_public_url(settings.public_url)
    with contextlib.ExitStack() as stack:
        public = stack.enter_context(bind(settings.host, settings.port, "--port"))
        admin = stack.enter_context(bind(settings.admin_host, settings.admin_port, "--admin-port"))
        store = stack.enter_context(store_url(settings, stop_if_last=True))
        admitted = admit(settings, store, keys)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="adserver-"))
        node = Node(
            settings,
            store,
            keys,
            guard,
            public,
            admin,
            folder,
            seen=mmap(-1, MEMORY_BYTES),
            known=admitted.known,
            begun=threading.Event(),
            identity=admitted.identity,
        )

        def begin() -> None:
            node.begun.set()
            announce(node)

        prepare(node)
        gc.freeze()  # what is imported is shared by all processes, and never collected
        supervisor = Supervisor(
            [*roles_of(node, beside(node)), *extra_roles(node)], tick=keep_store(settings)
        )
        code = supervisor.run(begin)
    return code


def roles_of(node: Node, beside: MakeBeside) -> list[Role]:
    workers = [
        Role(f"worker-{number}", worker_role(node, number, beside), serves=True)
        for number in range(node.settings.workers)
    ]
    return [
        Role("admin", lambda ready: uvloop.run(run_admin(node, ready))),
        *workers,
    ]


def worker_role(
    node: Node, number: int, beside: MakeBeside
) -> Callable[[Callable[[], None]], None]:
    return lambda ready: uvloop.run(run_worker(node, number, beside, ready))


def keep_store(settings: Settings) -> Callable[[], None]:
    """An embedded store that was killed is started again."""
    embedded = Embedded.of(settings.redis)
    if embedded is None:
        return lambda: None

    def look() -> None:
        try:
            if embedded.ensure():
                log.warning("store_started_again", folder=str(embedded.folder))
        except StoreUnavailable as error:
            log.error("store_not_started", error=str(error))

    return look


def guard_of(settings: Settings) -> Guard:
    token = read_private(settings.admin_token_file) if settings.admin_token_file else ""
    if settings.admin_host not in LOOPBACK and not (token or settings.admin_allow):
        raise SettingsError(
            f"--admin-host {settings.admin_host} can be reached from other machines; set "
            "ADSERVER_ADMIN_TOKEN_FILE or ADSERVER_ADMIN_ALLOW, or keep it on 127.0.0.1"
        )
    return Guard(token, settings.admin_allow)


def check_public_url(url: str) -> None:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
        raise SettingsError(
            f"--public-url {url!r} is not an address; expected https://ads.example or "
            "https://www.example/ads"
        )


def bind(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {reason_of(error)}; choose another with {option}"
        ) from error
    return sock


def address_of(host: str, sock: socket.socket) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    if ":" in shown and not shown.startswith("["):
        shown = f"[{shown}]"
    return f"http://{shown}:{sock.getsockname()[1]}"


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncClient]:
    connection = async_client(url)
    try:
        yield connection
    finally:
        await connection.aclose()


async def run_worker(
    node: Node, number: int, beside: MakeBeside, ready: Callable[[], None]
) -> None:
    settings = node.settings
    async with connected(node.store) as connection:
        keys = Keys(settings.namespace, shards_of(settings.redis))
        counts = StoredCounts(connection, keys, settings.ticket_life)
        catalog = StoredLiveCatalog(connection, keys, node.known)
        journals = journals_of(node)
        meter = Meter()
        live = Live(catalog, settings.public_url, meter)
        shipping = Shipping(counts, journals, meter, live.note)
        state = await make_state(node, counts, AssetCache(catalog), live, shipping, meter)
        app = PublicApp(state, urlsplit(settings.public_url).path, beside)
        name = f"{socket.gethostname()}:{node.public.getsockname()[1]}/{number}"
        beside_requests = Beside(
            state,
            catalog,
            counts,
            journals,
            shipping,
            name,
            node.collect_path,
            node.identity,
        )
        async with beside_requests.running():
            await server(app, ready, public=True).serve(sockets=[node.public])


def journals_of(node: Node) -> Journals:
    """Those of this store, whatever other stores the node has had. Each worker has its share."""
    settings = node.settings
    share = settings.journal_mebibytes * MEBIBYTE // settings.workers
    return Journals(
        settings.state / JOURNALS / node.identity,
        share,
        settings.ticket_life,
        mapped=settings.journal_sync == "interval",
    )


async def make_state(  # noqa: PLR0913 - what a worker is made of
    node: Node,
    counts: StoredCounts,
    assets: AssetCache,
    live: Live,
    shipping: Shipping,
    meter: Meter,
) -> State:
    settings = node.settings
    counting = Counting(
        lambda: live.timezone,
        shipping.durable,
        SharedSeen(node.seen, Path(node.folder) / "seen.lock"),
        always=settings.journal_sync == "always",
    )
    state = State(
        live=live,
        counting=counting,
        sealer=Sealer(node.keys),
        assets=assets,
        meter=meter,
        writer=await writer_of(node, counts),
        ticket_life=settings.ticket_life,
        trusted_peers=settings.trusted_peers,
    )
    set_constant_gauges(state, settings.journal_mebibytes * MEBIBYTE)
    return state


async def writer_of(node: Node, counts: StoredCounts) -> int:
    """A worker of a node that begins does not wait for the store: an empty slot is an answer.

    One that comes later does, as the others have a generation in memory and it has none.
    """
    if node.begun.is_set():
        return await until_answered(counts.claim_writer)
    try:
        return await counts.claim_writer()
    except StoreUnavailable as error:
        log.warning("writer_not_claimed", error=str(error))
        # That another worker has drawn it as well is one chance in four billion.
        return secrets.randbits(WRITER_BITS)


async def until_answered(call: Callable[[], Awaitable[Answered]]) -> Answered:
    while True:
        try:
            return await call()
        except StoreUnavailable as error:
            log.warning("waiting_for_store", error=str(error))
            await asyncio.sleep(WAIT_SECONDS)


async def run_admin(node: Node, ready: Callable[[], None]) -> None:
    collected = Collected()
    # Left by an admin process that was killed.
    with contextlib.suppress(FileNotFoundError):
        os.unlink(node.collect_path)
    listener = await collected.listen(node.collect_path)
    async with listener, connected(node.store) as connection:
        settings = node.settings
        keys = Keys(settings.namespace, shards_of(settings.redis))
        delivery, upkeep = Delivery(connection, keys), Upkeep(connection, keys)
        app = admin_app(collected, node.guard, delivery.dump)
        beside = [
            asyncio.create_task(forever(PARENT_SECONDS, leave_with_parent(os.getppid()))),
            asyncio.create_task(forever(UPKEEP_SECONDS, upkeep.run)),
        ]
        await server(app, ready, public=False).serve(sockets=[node.admin])
        await cancel(beside)


def reason_of(error: OSError) -> str:
    """The system's own words; `strerror` repeats the address, and a failed look-up has no errno."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
