"""One session of measuring: all servers up at once, each run between two looks at what it cost."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from adserver.core.ticket import Sealer
from benchmarks import contexts, oracle, publisher, servers, tickets
from benchmarks.load import Ask, Load, drive
from benchmarks.needs import installed
from benchmarks.oracle import Counted, Miscounted, Oracle
from benchmarks.processes import Cores, machine_seconds, shared_out
from benchmarks.rows import SLOT, Row
from benchmarks.servers import Answer, Server
from benchmarks.tickets import PAGE

# More than is answered by two workers on the machines that we have seen; a run that needs more
# says so.
TICKETS_PER_SECOND = 70_000
# Pages whose readers' tickets the others are like.
SAMPLED = 100
SYNCS = {"always": {}, "interval": {"ADSERVER_JOURNAL_SYNC": "interval"}}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. The costs are microseconds of CPU a request; memory is MiB (PSS), of all the
    server's processes and of a worker. shed, filled: shares of the slots, or
    else of the beacons. others: how many cores somebody else had meanwhile."""

    load: Load
    server: float
    store: float
    memory: float
    worker: float
    shed: float = 0.0
    filled: float = 0.0
    others: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    servers: Mapping[str, Server]
    folder: Path
    sealer: Sealer
    pages: Path
    cores: Cores
    patience_seconds: float = oracle.SETTLE_SECONDS

    def measure(self, row: Row, connections: int, seconds: int) -> Measured:
        """Ask for `seconds`, and hold what was counted to what was answered.

        What the server does for these requests until they are all in the store is theirs too.
        """
        server = self.servers[row.server]
        ask = Ask(row.method, row.prefix, self.lines(row), row.follow, row.unlike)
        watched = self.watched(row, connections)
        at_first, machine = server.cost(), machine_seconds()
        load = drive(server.port, ask, connections, seconds, self.cores.wrk)
        cost = server.cost() - at_first
        others = (machine_seconds() - machine - cost.server - cost.store) / load.seconds - load.busy
        try:
            grown = hold(load, row, watched)
        except Miscounted as error:
            raise Miscounted(f"{row.name}: {error}") from None
        memory, worker = server.memory()
        if watched:
            cost += watched.meanwhile
        return Measured(
            load,
            cost.server / load.requests * 1e6,
            cost.store / load.requests * 1e6,
            memory,
            worker,
            grown.shed / (grown.slots or load.requests) if grown else 0.0,
            grown.served / grown.slots if grown and grown.slots else 0.0,
            max(0.0, others),
        )

    def watched(self, row: Row, connections: int) -> Oracle | None:
        if not row.counts:
            return None
        server = self.servers[row.server]
        before = oracle.counted(server)
        return Oracle(server, before, connections, row.slots, self.patience_seconds)

    def lines(self, row: Row) -> Path:
        return self.folder / "tickets.txt" if row.tickets else self.pages

    def fresh_tickets(self, seconds: int) -> None:
        """Tickets that no server has seen; those that ours gives name what all of them serve."""
        queries = contexts.queries()[:SAMPLED]
        alike = tickets.given(self.servers["always"], self.sealer, queries)
        many = TICKETS_PER_SECOND * seconds
        tickets.write(self.folder / "tickets.txt", self.sealer, alike, many)


def hold(load: Load, row: Row, watched: Oracle | None) -> Counted | None:
    """What the load is counted as; Miscounted where it is not what was answered."""
    if load.failed:
        raise Miscounted(f"{load.failed:,} of {load.requests:,} requests failed")
    if watched is None:
        return None
    if row.tickets and load.asked > load.lines_there:
        raise Miscounted(f"more than {load.lines_there:,} tickets were needed")
    return watched.settle(row.answered(load))


def start(
    stack: contextlib.ExitStack,
    folder: Path,
    rows: Iterable[Row],
    workers: int,
    patience_seconds: float = oracle.SETTLE_SECONDS,
) -> Session:
    """The servers that the rows need, each up until the stack is closed."""
    folder.mkdir()
    cores = shared_out(workers, sorted(os.sched_getaffinity(0)))
    needed = {row.server for row in rows}
    key = secrets.token_urlsafe(48)
    sealer = Sealer([key.encode()])
    config = publisher.write(folder / "config")
    pages = folder / "pages.txt"
    pages.write_text("\n".join(contexts.queries()) + "\n", "utf-8")
    found = {}
    for name, extra in SYNCS.items():
        if name in needed or name == "always":
            ours = servers.adserver(folder / name, config, key, workers, extra, cores=cores.servers)
            found[name] = stack.enter_context(ours)
    if "uncounted" in needed:
        module = "benchmarks.uncounted"
        other = servers.adserver(
            folder / module, config, key, workers, module=module, cores=cores.servers
        )
        found["uncounted"] = stack.enter_context(other)
    answers = captured(found["always"], sealer)
    for name, said in BARE.items():
        if name in needed:
            given = {letter: answers[letter] for letter in said}
            found[name] = stack.enter_context(
                servers.bare(folder / name, given, workers, cores.servers)
            )
    program = nginx_program()
    if "nginx" in needed and program:
        beside = servers.nginx(program, folder / "nginx", answers["s"], cores.servers)
        found["nginx"] = stack.enter_context(beside)
    return Session(found, folder, sealer, pages, cores, patience_seconds)


# What bare servers answer, by the first letters of the paths.
BARE = {"bare slot": "s", "bare page": "d", "bare beacon": "i", "bare mix": "dic"}


def captured(server: Server, sealer: Sealer) -> dict[str, Answer]:
    """An answer of each kind; of slots and pages, one of the usual length."""
    queries = contexts.queries()[:SAMPLED]
    ticket = sealer.seal(tickets.given(server, sealer, queries[:1])[0]).decode()
    return {
        "s": usual([servers.answer_of(server, "GET", SLOT + query) for query in queries]),
        "d": usual([servers.answer_of(server, "GET", PAGE + query) for query in queries]),
        "i": servers.answer_of(server, "POST", f"/i/{ticket}"),
        "c": servers.answer_of(server, "GET", f"/c/{ticket}"),
    }


def usual(answers: list[Answer]) -> Answer:
    return sorted(answers, key=lambda answer: len(answer.body))[len(answers) // 2]


def nginx_program() -> str | None:
    return installed("nginx")
