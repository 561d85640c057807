"""`python -m benchmarks.counting`: what the store's memory grows by for a million tickets.

70 % of them come back. The report must hold as many impressions as there were.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from pathlib import Path

import redis

from adserver.core.ticket import Sealer
from adserver.store.embedded import Embedded
from benchmarks import contexts, publisher, servers, tickets
from benchmarks.long_run import check, send
from benchmarks.servers import Server

ARRIVAL = 0.7
MEMORY_TICKETS = 1_000_000


def main() -> None:
    key = secrets.token_urlsafe(48)
    with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name, contextlib.ExitStack() as s:
        folder = Path(name)
        config = publisher.write(folder / "config")
        server = s.enter_context(servers.adserver(folder / "ads", config, key, 1))
        memory(server, Sealer([key.encode()]), folder)


def memory(server: Server, sealer: Sealer, folder: Path) -> None:
    embedded = Embedded.of(server.settings["ADSERVER_REDIS"])
    if embedded is None:
        raise TypeError("the benchmark has an embedded store")
    with redis.Redis.from_url(embedded.url) as store:
        alike = tickets.given(server, sealer, contexts.queries())
        before = int(store.info("memory")["used_memory"])
        paths = tickets.write(folder / "tickets.txt", sealer, alike, MEMORY_TICKETS, ARRIVAL)
        send(server, paths)
        many = len(paths.read_text().splitlines())
        check(server, many)
        grown = int(store.info("memory")["used_memory"]) - before
    print(f"{grown / 1024 / 1024:.2f} MiB for a million tickets, {many:,} of which came back")


if __name__ == "__main__":
    main()
