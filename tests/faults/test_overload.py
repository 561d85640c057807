"""More requests than a worker can answer: nobody waits, and what is lost is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks import campaigns
from benchmarks.arrivals import Came, come
from tests.faults.nodes import SOAK
from tests.servers import Running, adserver_running, until

# A call that is dear to answer and cheap to shed, so that readers need little of the processor that
# they share, and answers little of the network: two slots with house ads, and many without.
SLOTS = ",".join(["home-top", "post-top", *["post-bottom"] * 28])
PATHS = [f"/decisions?slots={SLOTS}&url=https://bench.example/{n}" for n in range(50)]
CLOSED_CONNECTIONS = 4
CONNECTIONS = 1_000
# As `make bench-overload` measures. All that is late comes in the first tenth of a second, before
# shedding has begun; the faster a worker is, the more come in that time.
SECONDS = 20.0 if SOAK else 5.0
PROMISE_SECONDS = 0.100
# Readers who were late themselves have seen nothing of the server; then once more.
MOST_BEHIND_SECONDS = 0.050
ATTEMPTS = 6


@contextmanager
def worker(tmp: Path, shedding: str) -> Iterator[Running]:
    config = campaigns.write(tmp / "config")
    with adserver_running(config, tmp, env={"ADSERVER_SHEDDING": shedding}) as ads:
        yield ads


def readers(ads: Running, rate: float, seconds: float = SECONDS) -> Came:
    """rate: requests a second; 0 for as fast as a few connections are answered."""
    port = urlsplit(ads.public).port
    assert port
    return come(port, PATHS, rate, seconds, CONNECTIONS if rate else CLOSED_CONNECTIONS)


def shed(ads: Running) -> int:
    return int(sum(map(float, re.findall(r"\nadserver_shed_total{.*} (\S+)", ads.metrics()))))


def probability(ads: Running) -> float:
    found = re.search(r"\nadserver_overload_shed_probability (\S+)", ads.metrics())
    assert found
    return float(found[1])


def attempts(ads: Running, times: float) -> Iterator[Came]:
    """As often as it takes a machine with other things to do."""
    for _ in range(ATTEMPTS):
        capacity = readers(ads, 0, 1.0).per_second
        came = readers(ads, capacity * times)
        if came.behind_p99 <= MOST_BEHIND_SECONDS:
            yield came


@pytest.mark.timeout(600 if SOAK else 120)
@pytest.mark.alone
def test_at_twice_and_five_times_what_a_worker_can_do_nobody_waits(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with worker(tmp_path, "on") as ads:
        for times in (2, 5):
            seen = []
            for came in attempts(ads, times):
                assert came.unanswered == 0
                assert set(came.statuses) == {"200"}
                assert came.shed > 0
                seen.append(came.p99)
                if came.p99 < PROMISE_SECONDS:
                    break
            record_property(f"p99 at {times} times", seen)
            assert seen, "this machine has too much to do"
            assert seen[-1] < PROMISE_SECONDS, seen
        # And when they have gone, all is as before.
        until(lambda: probability(ads) == 0.0)
        before = shed(ads)
        assert readers(ads, 20, 1.0).shed == 0
        assert shed(ads) == before


@pytest.mark.timeout(120)
@pytest.mark.alone
def test_without_shedding_everybody_waits_at_twice_as_much(tmp_path: Path) -> None:
    with worker(tmp_path, "off") as ads:
        # The first attempt shows it, unless the readers were late themselves.
        waited = next(came.p99 for came in attempts(ads, 2))
        assert shed(ads) == 0
    assert waited > 3 * PROMISE_SECONDS
