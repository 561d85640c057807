"""A serving node: sockets, the store, and which processes there are."""

from __future__ import annotations

import contextlib
import gc
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from mmap import mmap
from pathlib import Path
from urllib.parse import urlsplit

import structlog
import uvloop
from starlette.types import ASGIApp

from adserver import logs
from adserver.core.errors import SettingsError, StoreUnavailable
from adserver.core.seen import MEMORY_BYTES
from adserver.serving import rates
from adserver.serving.admin import Guard
from adserver.serving.around import Around
from adserver.serving.children import Lifeline, Role
from adserver.serving.closing import let_nobody_in
from adserver.serving.country_file import renewed
from adserver.serving.http import Receive, Scope, Send, answer_empty
from adserver.serving.parent_counts import ParentCounts
from adserver.serving.robots import Robots
from adserver.serving.supervisor import Supervisor
from adserver.settings import Settings
from adserver.store.embedded import Embedded
from adserver.wiring.activation import at_addresses, inherited
from adserver.wiring.admission import admit
from adserver.wiring.alike import warn_of_differences
from adserver.wiring.control import store_url
from adserver.wiring.edge import connections_of, raise_file_limit
from adserver.wiring.invalid import check_rules, warn_of_peers
from adserver.wiring.notify import Notifier
from adserver.wiring.owners import check_state
from adserver.wiring.ports import Ports, address_of, open_ports
from adserver.wiring.processes import MakeBeside, run_admin, run_worker
from adserver.wiring.reloading import Reload, Signing
from adserver.wiring.secret_keys import admin_token, signing_keys

log = structlog.get_logger(__name__)

# Told apart are the few nodes of one name.
START_BYTES = 3

COUNTRY_FILE = "countries.mmdb"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# By version of IP: bits of the shortest network that may be let in. Nobody has a larger one.
LEAST_PREFIX = {4: 8, 6: 16}


@dataclass(frozen=True, slots=True)
class Node:
    """What the node's processes share: all made before the first of them is forked.

    folder: for sockets and locks, gone with the node. seen: memory of `core.seen`. rates: of
    `serving.rates`.
    begun: set when all of them are ready; who is forked later sees it.
    counts: what the parent has done to the others. preview: nothing counts (`serve --dev`).
    """

    settings: Settings
    store: str = field(repr=False)
    signing: Signing
    guard: Guard
    public: socket.socket
    admin: socket.socket
    folder: str
    seen: mmap
    rates: mmap
    begun: threading.Event
    identity: str
    counts: ParentCounts
    robots: Robots
    preview: bool = False
    # Which start of the node it is: of two machines that have one name, and one port, too.
    start: str = field(default_factory=partial(secrets.token_hex, START_BYTES))

    @property
    def collect_path(self) -> str:
        return f"{self.folder}/admin.sock"

    @property
    def country_file(self) -> Path:
        """Our copy of the last good country database; there only where one is set."""
        return Path(self.folder) / COUNTRY_FILE

    @property
    def address(self) -> str:
        return address_of(self.settings.host, self.public)

    @property
    def name(self) -> str:
        """As the store knows it."""
        return f"{socket.gethostname()}:{self.public.getsockname()[1]}"

    @property
    def admin_address(self) -> str:
        return address_of(self.settings.admin_host, self.admin)


def nothing_else(_: Callable[[], ASGIApp]) -> ASGIApp:
    """Beside the ads there is nothing: every other path is an empty 404."""

    async def nothing(_scope: Scope, _receive: Receive, send: Send) -> None:
        await answer_empty(send, 404)

    return nothing


def serve(  # noqa: PLR0913 - each keyword is one way in which `demo` and `--dev` differ
    settings: Settings,
    announce: Callable[[Node], None],
    *,
    prepare: Callable[[Node], None] = lambda _: None,
    beside: Callable[[Node], MakeBeside] = lambda _: nothing_else,
    extra_roles: Callable[[Node], list[Role]] = lambda _: [],
    preview: bool = False,
) -> int:
    """Run a node until it is told to stop; the exit code.

    prepare: called before the processes start. announce: called when all of them are ready.
    """
    logs.set_up(settings.log_format)
    check_state(settings.state)
    keys = signing_keys(settings)
    handed_over = inherited(os.environ, os.getpid())
    settings = at_addresses(settings, handed_over)
    guard = guard_of(settings)
    check_public_url(settings.public_url)
    check_rules(settings)
    warn_of_peers(settings.trusted_peers)
    notifier = Notifier.of(os.environ, os.getpid())
    raise_file_limit()
    connections_of(settings)  # said now, not by workers that end one after the other
    with contextlib.ExitStack() as stack:
        ports = open_ports(settings, handed_over)
        stack.callback(ports.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="adserver-"))
        if settings.country_database is not None:
            renewed(settings.country_database, Path(folder) / COUNTRY_FILE).close()
        store = stack.enter_context(store_url(settings, stop_if_last=True))
        admitted = admit(settings, store, keys)
        node = Node(
            settings,
            store,
            Signing(keys, admitted.known),
            guard,
            ports.public,
            ports.admin,
            folder,
            seen=mmap(-1, MEMORY_BYTES),
            rates=rates.shared_memory(),
            begun=threading.Event(),
            identity=admitted.identity,
            counts=ParentCounts(),
            robots=Robots(),
            preview=preview,
        )

        def begin() -> None:
            node.begun.set()
            announce(node)
            notifier.ready()

        prepare(node)
        warn_of_differences(settings, store, node.name)
        gc.freeze()  # what is imported is shared by all processes, and never collected
        reload = Reload(settings, store, node.signing, node.counts)
        around = around_processes(ports, notifier, reload, keep_store(settings))
        supervisor = Supervisor(
            [*roles_of(node, beside(node)), *extra_roles(node)],
            around,
            node.counts,
        )
        code = supervisor.run(begin)
    return code


def around_processes(
    ports: Ports, notifier: Notifier, reload: Reload, keep: Callable[[], None]
) -> Around:
    """What the parent does besides, and tells systemd of."""

    def tick() -> None:
        notifier.alive()
        keep()

    def begin_reload() -> bool:
        notifier.reloading()
        return reload.begin()

    def end_reload(done: bool) -> None:
        reload.end(done)
        notifier.reloaded(done)

    def leave() -> None:
        notifier.stopping()
        if not ports.held:
            let_nobody_in(ports.public)

    return Around(tick, begin_reload, end_reload, leave, left=ports.public.close)


def roles_of(node: Node, beside: MakeBeside) -> list[Role]:
    workers = [
        Role(f"worker-{number}", worker_role(node, number, beside), serves=True, beats=True)
        for number in range(node.settings.workers)
    ]
    return [
        Role(
            "admin",
            lambda lifeline: uvloop.run(run_admin(node, lifeline)),
            beats=True,
            rereads=True,
        ),
        *workers,
    ]


def worker_role(node: Node, number: int, beside: MakeBeside) -> Callable[[Lifeline], None]:
    return lambda lifeline: uvloop.run(run_worker(node, number, beside, lifeline))


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
    token = admin_token(settings.admin_token_file) if settings.admin_token_file else ""
    if settings.admin_host not in LOOPBACK and not (token or settings.admin_allow):
        raise SettingsError(
            f"--admin-host {settings.admin_host} can be reached from other machines; set "
            "ADSERVER_ADMIN_TOKEN_FILE or ADSERVER_ADMIN_ALLOW, or keep it on 127.0.0.1"
        )
    for network in settings.admin_allow:
        least = LEAST_PREFIX[network.version]
        if network.prefixlen < least:
            raise SettingsError(
                f"ADSERVER_ADMIN_ALLOW {network} is everybody, or nearly; name the networks that "
                f"may read the metrics (/{least} or longer), or set ADSERVER_ADMIN_TOKEN_FILE "
                "instead"
            )
    names = (*settings.allowed_hosts, socket.gethostname())
    return Guard(token, settings.admin_allow, names)


def check_public_url(url: str) -> None:
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query):
        raise SettingsError(
            f"--public-url {url!r} is not an address; expected https://ads.example or "
            "https://www.example/ads"
        )
