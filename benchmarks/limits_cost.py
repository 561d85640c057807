"""What a goal costs: slots and beacons of a campaign with one, beside the same without.

Two servers with one worker each, asked in turn; CPU is all of a server's processes', without the
store's.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from adserver.core.ticket import Sealer, Ticket
from benchmarks.load import Ask, drive
from benchmarks.processes import cpu_seconds, tree
from tests.faults.nodes import node
from tests.journeys.small_blog import campaign
from tests.servers import SECRET_KEY, Running

CONNECTIONS = 32
TICKETS_PER_SECOND = 60_000  # more than one worker answers
FLIGHT = {"first_day": "2026-01-01", "last_day": "2099-12-31"}
LAPSE_SECONDS = 600
KINDS: dict[str, dict[str, Any]] = {
    "without": {},
    "with a goal": {"goal": {"impressions": 2_000_000_000}, "pacing": "asap"},
}


@dataclass(frozen=True, slots=True)
class Server:
    ads: Running
    folder: Path
    lapse: int

    def ask(self, what: str, seconds: int) -> float:
        """Microseconds of CPU that one answer took."""
        port, pids = urlsplit(self.ads.public).port or 0, tree(self.ads.process.pid)
        ask = self.beacons(seconds) if what == "beacon" else self.slots()
        before = cpu_seconds(pids)
        load = drive(port, ask, CONNECTIONS, seconds)
        time.sleep(1)  # what is shipped and leased for these
        if load.failed:
            raise SystemExit(f"{load.failed} requests failed; the numbers mean nothing")
        return (cpu_seconds(pids) - before) / load.requests * 1e6

    def slots(self) -> Ask:
        path = self.folder / "slots.txt"
        path.write_text("goal\n")
        return Ask("GET", "/slots/", path)

    def beacons(self, seconds: int) -> Ask:
        """Tickets as the server would issue them, each for one impression."""
        sealer, writer, now = Sealer([SECRET_KEY.encode()]), secrets.randbits(32), int(time.time())
        path = self.folder / "tickets.txt"
        with path.open("w") as file:
            for serial in range(TICKETS_PER_SECOND * seconds):
                ticket = Ticket(writer, serial, 1, 1, 1, now, self.lapse, 1, 1, 0)
                file.write(f"{sealer.seal(ticket).decode()}\n")
        return Ask("GET", "/i/", path)


def measure(rounds: int, seconds: int) -> dict[tuple[str, str], float]:
    """CPU µs, the median of the rounds, by what is asked and of which server."""
    with tempfile.TemporaryDirectory(prefix="adserver-bench-") as name, contextlib.ExitStack() as s:
        servers = {}
        for number, (kind, terms) in enumerate(KINDS.items()):
            folder = Path(name) / str(number)
            folder.mkdir()
            one = campaign("goal", tier="standard", flight=FLIGHT, **terms)
            ads = s.enter_context(node(folder, workers=1, campaigns={"goal": one}))
            servers[kind] = Server(ads, folder, LAPSE_SECONDS if terms else 0)
        found: dict[tuple[str, str], list[float]] = {}
        for _, what, kind in itertools.product(range(rounds), ("slot", "beacon"), servers):
            found.setdefault((what, kind), []).append(servers[kind].ask(what, seconds))
    return {place: median(several) for place, several in found.items()}
