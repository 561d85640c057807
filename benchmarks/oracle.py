"""The oracle: what was answered is what is counted, by the node's metrics and by the report.

A number of requests a second means nothing if some of them did not do their work. Requests that
were on their way when wrk stopped may be counted and not answered, one for each connection;
nothing else may differ.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from adserver.cli.options import open_store
from adserver.publishing.recorded import read_records
from adserver.publishing.report import By, Query, report
from adserver.settings import Settings
from benchmarks.servers import Cost, Server

# From the answer over the journal to the store.
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.1
SAMPLE = re.compile(r"^adserver_(\w+?)(?:{(.*)})? (\S+)$", re.MULTILINE)


class Miscounted(Exception):
    """What was answered and what is counted, where they differ."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What one run was answered, by wrk. filled: ads, None where nobody looked into answers."""

    slots: int = 0
    filled: int | None = None
    impressions: int = 0
    clicks: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """What a node says that it has counted since it was started, or in one run.

    slots: decided, or shed; served: those that were given an ad.
    """

    slots: int
    served: int
    impressions: int
    clicks: int
    shed: int
    discarded: int

    def since(self, before: Counted) -> Counted:
        grown = {f.name: getattr(self, f.name) - getattr(before, f.name) for f in fields(self)}
        return Counted(**grown)


def counted(server: Server) -> Counted:
    """What the node's metrics say."""
    with urllib.request.urlopen(f"{server.admin}/metrics", timeout=SETTLE_SECONDS) as answer:
        return read(answer.read().decode())


def read(metrics: str) -> Counted:
    sums: dict[str, float] = {}
    for name, labels, value in SAMPLE.findall(metrics):
        for key in (name, *(f"{name} {said}" for said in LABELS.findall(labels))):
            sums[key] = sums.get(key, 0.0) + float(value)

    def of(*keys: str) -> int:
        return int(sum(sums.get(key, 0.0) for key in keys))

    decided = "decisions_total"
    return Counted(
        slots=of(decided),
        served=of(f"{decided} fill", f"{decided} house"),
        impressions=of("impressions_total"),
        clicks=of("clicks_total"),
        shed=of("shed_total"),
        discarded=of("events_discarded_total"),
    )


LABELS = re.compile(r'outcome="(\w+)"')


@dataclass(frozen=True, slots=True)
class Reported:
    served: int
    impressions: int
    clicks: int


def reported(server: Server) -> Reported:
    """What `adserver report` is made of, without starting a command each time."""
    now = time.time()
    with open_store(Settings(redis=server.settings["ADSERVER_REDIS"])) as plane:
        live = plane.catalogs.live()
        records = read_records(plane.totals, live[0].catalog if live else None, None, None, now)
    total = report(records, Query(By.CAMPAIGN, now)).total
    return Reported(total.served, total.impressions, total.clicks)


def commanded(server: Server) -> Reported:
    """What the command `adserver report` itself says."""
    done = subprocess.run(
        [sys.executable, "-m", "adserver", "report", "--format", "json"],
        env={**os.environ, **server.settings},
        check=True,
        capture_output=True,
    )
    total = json.loads(done.stdout)["total"]
    return Reported(total["served"], total["impressions"], total["clicks"])


@dataclass(slots=True)
class Oracle:
    """Of one run: what the node had counted before, and how many connections asked.

    slots_each: decided by one request. meanwhile: what the server and its store have done since
    the run, without answering the oracle.
    """

    server: Server
    before: Counted
    connections: int
    slots_each: int
    patience_seconds: float = SETTLE_SECONDS
    meanwhile: Cost = field(default_factory=Cost)

    def settle(self, answered: Answered) -> Counted:
        """What the run is counted as, when node and report agree on it; Miscounted if they never
        do, or if it is not what was answered."""
        deadline = time.monotonic() + self.patience_seconds
        while problems := self.look(answered):
            if time.monotonic() > deadline:
                raise Miscounted("; ".join(problems))
        return counted(self.server).since(self.before)

    def look(self, answered: Answered) -> list[str]:
        at_first = self.server.cost()
        time.sleep(POLL_SECONDS)
        found = reported(self.server)
        self.meanwhile += self.server.cost() - at_first
        total = counted(self.server)
        said = Reported(total.served, total.impressions, total.clicks)
        grown = total.since(self.before)
        problems = list(differences(answered, grown, self.connections, self.slots_each))
        return (
            [*problems, f"the node has {said}, the report {found}"] if said != found else problems
        )


def differences(
    answered: Answered, grown: Counted, connections: int, slots_each: int
) -> Iterator[str]:
    """Where a node has not counted what it answered, or more than it was asked."""
    ads = connections * slots_each
    for what, at_least, found, late in (
        ("slots", answered.slots, grown.slots, ads),
        ("ads served", answered.filled, grown.served, ads),
        ("impressions", answered.impressions, grown.impressions, connections),
        ("clicks", answered.clicks, grown.clicks, connections),
    ):
        if at_least is not None and not at_least <= found <= at_least + late:
            yield f"{at_least:,} {what} were answered, {found:,} are counted"
    if grown.discarded:
        yield f"{grown.discarded:,} events were discarded"
