"""What workers count together, as the processes that they are."""

from __future__ import annotations

import os
from pathlib import Path

from adserver.core.events import Kind
from adserver.core.rate_limits import RateLimits
from adserver.core.ticket import Ticket
from adserver.metrics.meter import Meter
from adserver.serving.invalid import Facts
from adserver.serving.rates import Rates, Shared, shared_memory
from adserver.serving.readers import Readers
from tests.factories import NOW

LIMIT, EVENTS = 50, 400
SCOPE = {"client": ("198.51.100.7", 1), "headers": []}


def passed(shared: Shared | None, first: int) -> int:
    """How many of a process's events are below the limit."""
    limits = RateLimits({"click.address.minute": LIMIT, "click.address.hour": LIMIT})
    rates = Rates(limits, Readers((), Meter()), lambda _: False, shared, lambda: NOW)
    tickets = (Ticket(1, first + n, 1, 1, 1, int(NOW), 0, 1, 1, 0) for n in range(EVENTS))
    found = sum(not rates.too_many_events(Facts(SCOPE, one, Kind.CLICK)) for one in tickets)
    rates.close()
    return found


def in_turn(shared: Shared | None) -> int:
    """Two processes that were forked from one, the second when the first has ended, as a worker
    that is replaced; how many of their events passed."""
    child = os.fork()
    if child == 0:
        os._exit(passed(shared, 0))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) + passed(shared, EVENTS)


def test_a_worker_that_takes_anothers_place_goes_on_counting(tmp_path: Path) -> None:
    assert in_turn(Shared(shared_memory(), tmp_path / "rates.lock")) == LIMIT


def test_control_with_memory_of_their_own_they_do_not() -> None:
    assert in_turn(None) == 2 * LIMIT
