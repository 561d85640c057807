"""What rules by address cost an event, and how many events two processes lose to each other.

`python -m benchmarks.addresses`; processor time, the best of several runs.
"""

from __future__ import annotations

import os
import secrets
import timeit
from collections.abc import Callable
from ipaddress import ip_network
from mmap import mmap
from time import process_time
from typing import Any

from adserver.core.events import Kind
from adserver.core.invalid import Mode, Rule
from adserver.core.rate_limits import DEFAULTS, RateLimits
from adserver.core.sketch import MEMORY_BYTES, Sketch
from adserver.core.ticket import Ticket
from adserver.metrics.meter import Meter
from adserver.serving.invalid import Facts, Invalid
from adserver.serving.rates import Rates
from adserver.serving.readers import Readers

HEADERS = [
    (b"host", b"ads.example"),
    (b"user-agent", b"Mozilla/5.0"),
    (b"accept", b"*/*"),
    (b"accept-language", b"fr"),
    (b"referer", b"https://blog.example/"),
]
FORWARDED = (b"x-forwarded-for", b"198.51.100.7")
SCOPES = {
    "IPv4": {"client": ("198.51.100.7", 1), "headers": HEADERS},
    "IPv6": {"client": ("2001:db8::7", 1), "headers": HEADERS},
    "behind a trusted proxy": {"client": ("10.0.0.1", 1), "headers": [*HEADERS, FORWARDED]},
}
TRUSTED = (ip_network("10.0.0.0/8"),)
TICKET = Ticket(1, 5, 1, 1, 1, 0, 0, 1, 1, 4)
RUNS, EVENTS, RACING = 40, 10_000, 1_000_000


def microseconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=EVENTS, repeat=RUNS, timer=process_time)) / EVENTS * 1e6


def rules(readers: Readers, *asked: Rule) -> Invalid:
    # Without a limit, so that every event is counted to its end; but of campaigns there is one.
    limits = dict.fromkeys(DEFAULTS, 0) | {"campaigns.address.hour": 1_000}
    rates = Rates(RateLimits(limits), readers, lambda _: False)
    return Invalid(dict.fromkeys(asked, Mode.DISCARD), rates.rules)


def costs(scope: dict[str, Any]) -> list[float]:
    """Judging with no rule by address; what the limits add; of that, finding the reader; what a
    click adds for its campaign."""
    readers = Readers(TRUSTED if FORWARDED in scope["headers"] else (), Meter())
    off, limited = rules(readers), rules(readers, Rule.RATE_LIMITED)
    both = rules(readers, Rule.RATE_LIMITED, Rule.CLICKS_MANY_CAMPAIGNS)
    base = microseconds(lambda: off.judge(scope, TICKET, Kind.CLICK))
    on = microseconds(lambda: limited.judge(scope, TICKET, Kind.CLICK))
    clicks = microseconds(lambda: both.judge(scope, TICKET, Kind.CLICK))
    facts = microseconds(lambda: Facts(scope, TICKET, Kind.CLICK))
    found = microseconds(lambda: readers.address(Facts(scope, TICKET, Kind.CLICK)))
    return [base, on - base, found - facts, clicks - on]


def lost_between_two() -> float:
    """The share of events that is lost where two processes do nothing but count one address."""
    memory = mmap(-1, MEMORY_BYTES)
    key = secrets.randbits(64)

    def count() -> None:
        sketch = Sketch(memoryview(memory))
        for _ in range(RACING):
            sketch.add(key, 0)

    child = os.fork()
    if child == 0:
        count()
        os._exit(0)
    count()
    os.waitpid(child, 0)
    counted = Sketch(memoryview(memory)).add(key, 0)[1] - 1
    return 1 - counted / (2 * RACING)


def main() -> None:
    print(f"{'µs an event':24}{'rules off':>10}{'limits':>10}{'(reader)':>10}{'campaigns':>10}")
    for name, scope in SCOPES.items():
        print(f"{name:24}" + "".join(f"{cost:10.2f}" for cost in costs(scope)))
    print(f"lost between two processes that count one address: {lost_between_two():.1%}")


if __name__ == "__main__":
    main()
