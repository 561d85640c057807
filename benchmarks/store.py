"""`make bench-store`: what the store costs, by what nodes really send.

A node is driven as hard as one process of wrk can, and what it sends to its store is written down;
the same calls, with tickets and journals that nobody has seen, are sent to a fresh store over
several connections, so that its core is full. Events are divided by the store's own processor
time (all its threads and children, with an append-only file), so that who sends need not be quick.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import redis

import adserver.store
from adserver.store.script import Script
from benchmarks.filling import Filled, connected, fill, processor_seconds
from benchmarks.needs import ended_by_sigterm, installed, needs
from benchmarks.page_views import visit, write_campaigns
from benchmarks.recorder import Recorder, recording
from benchmarks.shipments import Fresh, Shipped, cut_anew, rooms, shipped_in
from benchmarks.store_memory import grown
from tests.servers import Running, adserver_running
from tests.topology import redis_running

PROGRAMS = ("valkey-server", "redis-server")
SIZES = (1, 10, 100, 1_000)
CALLS = 2_000  # of one size, at most, a connection
LANES = 4
WRITERS = 100  # as many workers as a hundred machines of one have
SETTLE_SECONDS = 2.0
COUNT = Script.named("count")
SCRIPTS = Path(adserver.store.__file__).with_name("scripts")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a node sent while it was driven. per_second: events that were answered."""

    name: str
    per_second: float
    shipped: list[Shipped]

    @property
    def sizes(self) -> list[int]:
        return sorted(one.size for one in self.shipped if one.size)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.store", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=10_000, help="that a node is asked for")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rest", type=float, default=20, help="seconds of a node at rest")
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 10], help="of tickets")
    parser.add_argument("--programs", nargs="+", choices=PROGRAMS, help="those that are installed")
    parser.add_argument("--only", nargs="+", default=["batches", "rest", "memory"])
    options = parser.parse_args()
    options.programs = programs(options.programs)
    if "batches" in options.only:
        needs("wrk")
    with ended_by_sigterm():
        if "batches" in options.only:
            batches(options)
        if "rest" in options.only:
            at_rest(options.rest)
        if "memory" in options.only:
            memory(options)


def programs(asked: Sequence[str] | None) -> Sequence[str]:
    """Those that were asked for, or both where Redis is installed. Valkey comes with the server."""
    if asked is None and installed("redis-server") is None:
        print("redis-server is not installed: Valkey alone is measured\n", flush=True)
        return PROGRAMS[:1]
    needs(*(program for program in asked or () if program != PROGRAMS[0]))
    return asked or PROGRAMS


@contextlib.contextmanager
def recorded_node(workers: int, *, goals: bool = False) -> Iterator[tuple[Running, Recorder, str]]:
    """A node with its default settings, what it sends, and the address of its store."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adserver-bench-")))
        config = write_campaigns(folder / "config", goals=goals)
        store = stack.enter_context(redis_running("valkey-server", appendonly="yes"))
        recorder = stack.enter_context(recording(store.url))
        env = {"ADSERVER_REDIS": f"redis://127.0.0.1:{recorder.port}", "ADSERVER_SHEDDING": "on"}
        arguments = ("--workers", str(workers))
        ads = stack.enter_context(adserver_running(config, folder, *arguments, env=env))
        time.sleep(SETTLE_SECONDS)
        yield ads, recorder, store.url


def record(name: str, options: argparse.Namespace, *, goals: bool) -> Recorded:
    with recorded_node(1, goals=goals) as (ads, recorder, _):
        visits = visit(ads.public, options.connections, options.pages)
        time.sleep(SETTLE_SECONDS)
    shipped = shipped_in(recorder.commands(), COUNT.digest)
    counted = sum(one.size for one in shipped)
    if counted != visits.events:
        raise SystemExit(f"{visits.events} events were accepted, {counted} were shipped")
    return Recorded(name, visits.events / visits.seconds, shipped)


def batches(options: argparse.Namespace) -> None:
    recordings = [
        record("pages", options, goals=False),
        record("pages, half of the campaigns with a goal", options, goals=True),
    ]
    print(
        "| recorded | requests/s | calls/s | events a call, p10 · p50 · p90 · max | rows a call |"
    )
    print("|---|---|---|---|---|")
    for one in recordings:
        print(describe(one))
    head("calls", "store", "µs an event", "events/s of a core", "of the core")
    for one, program in itertools.product(recordings, options.programs):
        for name, shipped, writers in replays(one):
            runs = [replay(program, shipped, writers, n) for n in range(options.rounds)]
            print(row(f"{one.name}: {name}", program, runs), flush=True)


def head(*columns: str) -> None:
    print(f"\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)


def describe(one: Recorded) -> str:
    sizes = one.sizes
    p10, p50, p90 = (sizes[len(sizes) * share // 100] for share in (10, 50, 90))
    seconds = max(call.at for call in one.shipped) - min(call.at for call in one.shipped)
    rows = fmean(call.rows for call in one.shipped if call.size)
    return (
        f"| {one.name} | {one.per_second:,.0f} | {len(one.shipped) / seconds:,.0f} "
        f"| {p10} · {p50} · {p90} · {sizes[-1]} | {rows:.0f} |"
    )


def replays(one: Recorded) -> Iterator[tuple[str, Sequence[Shipped], int]]:
    yield "as recorded", one.shipped, 0
    yield f"tickets of {WRITERS} workers", one.shipped, WRITERS
    for size in SIZES:
        yield f"{size:,} a call", cut_anew(one.shipped, size)[:CALLS], 0


def replay(program: str, shipped: Sequence[Shipped], writers: int, seed: int) -> Filled:
    """On a store that has seen the same rows before, and none of the tickets."""
    with redis_running(program, appendonly="yes") as store, contextlib.closing(store.client()) as c:
        fresh = Fresh(str(c.script_load(COUNT.source)), seed, writers)
        for command in rooms(shipped):
            with connected(store.url) as sock:
                sock.sendall(command)
                sock.recv(64)
        fill(store.url, [list(fresh.calls(shipped))])
        before = impressions(c)
        queues = [list(fresh.calls(shipped)) for _ in range(LANES)]
        filled = fill(store.url, queues)
        expected = LANES * sum(call.impressions for call in shipped)
        if (counted := impressions(c) - before) != expected:
            raise SystemExit(f"{program}: {expected} impressions sent, {counted} counted")
    return filled


def impressions(store: redis.Redis) -> int:
    totals: dict[bytes, bytes] = store.hgetall("adserver:{0}:totals")  # type: ignore[assignment]
    return sum(int(count) for name, count in totals.items() if name.startswith(b"i:"))


def row(name: str, program: str, runs: Sequence[Filled]) -> str:
    used = sorted(run.microseconds for run in runs)
    per_core, full = (median(getattr(run, what) for run in runs) for what in ("per_core", "full"))
    return (
        f"| {name} | {program} | {median(used):.2f} ({used[0]:.2f}–{used[-1]:.2f}) "
        f"| {per_core:,.0f} | {full:.0%} |"
    )


def at_rest(seconds: float) -> None:
    """What a node asks and costs while nobody visits, beyond what the store costs by itself."""
    with redis_running("valkey-server", appendonly="yes") as store:
        alone = used_at_rest(store.url, seconds)
    head("at rest, a second", "commands", "ms of the store's processor")
    for workers, goals in itertools.product((1, 2), (False, True)):
        with recorded_node(workers, goals=goals) as (_, recorder, url):
            since = time.monotonic()
            used = used_at_rest(url, seconds) - alone
        asked = named(recorder, since, since + seconds)
        many = sum(asked.values()) / seconds
        names = ", ".join(f"{name} {n / seconds:.1f}" for name, n in asked.most_common(8))
        what = f"{workers} worker{'s' * (workers > 1)}, {'10' if goals else 'no'} goals"
        print(f"| {what} | {many:.1f} ({names}) | {used * 1e3:.2f} |", flush=True)


def used_at_rest(url: str, seconds: float) -> float:
    before = processor_seconds(url)
    time.sleep(seconds)
    return (processor_seconds(url) - before) / seconds


def named(recorder: Recorder, since: float, until: float) -> Counter[str]:
    """Commands, and scripts by their files."""
    scripts = {Script.named(path.stem).digest: f"{path.stem}.lua" for path in SCRIPTS.glob("*.lua")}
    found: Counter[str] = Counter()
    for commands in recorder.commands():
        for at, parts in commands:
            if since <= at < until:
                name = parts[0].decode()
                found[scripts.get(parts[1].decode(), name) if name == "EVALSHA" else name] += 1
    return found


def memory(options: argparse.Namespace) -> None:
    head("tickets", "arriving", "store", "MiB a million")
    for program, millions in itertools.product(options.programs, options.millions):
        mib = grown(program, millions * 1_000_000)
        print(f"| {millions} million | 70 % | {program} | {mib / millions:.2f} |", flush=True)


if __name__ == "__main__":
    main()
