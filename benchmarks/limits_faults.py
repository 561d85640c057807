"""One campaign with a goal, eight workers, a master with two replicas, all the trouble at once.

Workers are killed (`kill -9`), connections to the store are cut in the midst of calls, and the
master dies with a second of writes that no replica has. wrk asks for the slot and sends the
beacons as fast as the machine lets it, but for 4 % of the readers, who never come. It goes on
until the goal is reached, and for some seconds more; or for `patience`.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from adserver.core.errors import StoreUnavailable
from tests.faults.nodes import node, settled
from tests.faults.oracle import Books
from tests.journeys.figures import report
from tests.journeys.small_blog import campaign
from tests.servers import Running, until
from tests.topology import Sentinels, sentinel_running

SCRIPT = Path(__file__).with_name("readers.lua")
CONNECTIONS = 64
LONGEST_SECONDS = 900
FLIGHT = {"first_day": "2026-01-01", "last_day": "2099-12-31"}
LOOK_SECONDS = 0.2
STEADY_SECONDS = 10.0
CUTS = 10  # at each kill, of every connection


@dataclass
class Delivery:
    """What was seen of it. counted: seconds since the first request → impressions."""

    goal: int
    workers: int
    kills: int = 0
    cuts: int = 0
    failovers: int = 0
    counted: list[tuple[float, int]] = field(default_factory=list)
    accepted: int = 0
    served: int = 0
    lapsed: int = 0

    @property
    def most(self) -> int:
        return max(count for _, count in self.counted)

    @property
    def last(self) -> tuple[float, int]:
        """When it was looked last, and what was missing then."""
        at, count = self.counted[-1]
        return at, self.goal - count

    @property
    def in_vain(self) -> int:
        """Acknowledged, and not counted when all journals had been shipped."""
        return max(0, self.accepted - self.counted[-1][1])

    @property
    def impressions_per_second(self) -> float:
        """Up to nine tenths of the goal, the faults included; a slot and a beacon each."""
        return 0.9 * self.goal / self.reached(0.9)

    def reached(self, share: float) -> float:
        """Seconds until so much of the goal was counted."""
        return next((at for at, n in self.counted if n >= share * self.goal), float("inf"))


def deliver(goal: int, workers: int, kills: int, *, failover: bool, patience: float) -> Delivery:
    made = Delivery(goal, workers)
    terms = {"tier": "standard", "flight": FLIGHT, "goal": {"impressions": goal}, "pacing": "asap"}
    with (
        tempfile.TemporaryDirectory(prefix="adserver-bench-") as folder,
        sentinel_running() as store,
        node(
            Path(folder),
            workers=workers,
            env={"ADSERVER_REDIS": store.url},
            campaigns={"goal": campaign("goal", **terms)},
        ) as ads,
    ):
        with looking(made, ads):
            with visiting(made, ads):
                trouble(made, ads, store, kills, failover=failover)
                with contextlib.suppress(AssertionError):
                    until(lambda: made.counted[-1][1] >= goal, patience)
                time.sleep(STEADY_SECONDS)
            time.sleep(STEADY_SECONDS)  # for what is in journals yet
        discarded = report(ads)["discarded"]["impression"]
        made.lapsed = discarded.get("lapsed", 0)
    return made


@contextmanager
def looking(made: Delivery, ads: Running) -> Iterator[None]:
    begun, over = time.monotonic(), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            try:
                books = Books(ads.redis)
                with books.store:
                    figures = books.figures(time.time())
            except (StoreUnavailable, RedisError):
                continue
            made.counted.append((time.monotonic() - begun, figures.get(("i", "for-goal"), 0)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def visiting(made: Delivery, ads: Running) -> Iterator[None]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LONGEST_SECONDS}s", "-s", str(SCRIPT)]
    with subprocess.Popen([*command, f"{ads.public}/"], stdout=subprocess.PIPE, text=True) as wrk:
        yield
        wrk.send_signal(signal.SIGINT)
        said, _ = wrk.communicate()
    told = re.search(r"served (\d+) accepted (\d+)", said)
    assert told, said
    made.served, made.accepted = int(told[1]), int(told[2])


def trouble(made: Delivery, ads: Running, store: Sentinels, kills: int, *, failover: bool) -> None:
    """Spread over most of the goal."""
    draw = random.Random(1)
    for number in range(kills):
        wait_for(made, (number + 1) / (kills + 3))
        os.kill(draw.choice(until(lambda: settled(ads))), signal.SIGKILL)
        made.kills += 1
        cut(made, store)
        if failover and number == kills // 2:
            fail_over(made, store)


def wait_for(made: Delivery, share: float) -> None:
    until(lambda: made.counted and made.counted[-1][1] >= share * made.goal, LONGEST_SECONDS)


def cut(made: Delivery, store: Sentinels) -> None:
    """Hang up on everybody but the sentinels, some of them in the midst of a call."""
    with store.master().client() as admin:
        for _ in range(CUTS):
            for one in admin.client_list(_type="normal"):
                if not one["name"].startswith("sentinel") and one["cmd"] != "client|list":
                    with contextlib.suppress(RedisError):  # it has gone by itself
                        admin.client_kill_filter(_id=one["id"])
                        made.cuts += 1


def fail_over(made: Delivery, store: Sentinels) -> None:
    old = store.master()
    old.call("ACL", "SETUSER", "default", "-psync", "-sync")
    old.call("CLIENT", "KILL", "TYPE", "replica")
    time.sleep(1.0)
    old.kill()
    store.failed_over(old)
    made.failovers += 1
