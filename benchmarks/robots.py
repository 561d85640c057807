"""`python -m benchmarks.robots`: what it costs to know a robot by its agent.

Agents that have not been asked about before: browsers in use and robots that the rules were not
made from (`tests.agents`; fetched once). Beside them, in the same run, the reference: the patterns
of the list in Python's expressions, 25 at a time, as its own package asks them. Then an agent that
is remembered, and judging a beacon, with the rule and without.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from adserver.core.events import Kind
from adserver.core.invalid import Mode, Rule
from adserver.core.ticket import Ticket
from adserver.serving.invalid import Invalid
from adserver.serving.robots import MAX_AGENT_BYTES, Robots, known
from tests import agents

KEPT = Path(".pytest_cache/d/agents")
SEED = 20261127
CHUNK = 25
ROUNDS = 15
MOST_US = 3.0
HOSTILE = 2_000


def reference() -> Callable[[bytes], bool]:
    patterns = [one["pattern"].encode() for one in known()]
    chunks = [
        re.compile(b"|".join(patterns[at : at + CHUNK])) for at in range(0, len(patterns), CHUNK)
    ]
    return lambda agent: any(chunk.search(agent) for chunk in chunks)


def microseconds(call: Callable[[Any], object], each: list[Any], rounds: int = ROUNDS) -> float:
    """One call's, of this process's own time, the median of rounds."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        for one in each:
            call(one)
        taken.append((time.process_time() - started) / len(each))
    return median(taken) * 1e6


def hostile(draw: Random) -> list[bytes]:
    """As long as is read, of pieces of what is looked for."""
    pieces = [one["pattern"].encode() for one in known()]
    return [
        b" ".join(draw.choice(pieces)[: draw.randrange(1, 12)] for _ in range(200))[
            :MAX_AGENT_BYTES
        ]
        for _ in range(HOSTILE)
    ]


def main() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    robots = Robots()
    print(f"list {robots.version}, made in {(time.process_time() - started) * 1e3:.0f} ms\n")
    people, machines = agents.browsers(KEPT), agents.robots(KEPT)
    slow = reference()
    print(f"{'us an agent':34}{'ours':>8}{'reference':>12}")
    for name, each in (("browsers", people), ("robots", machines)):
        ours, theirs = microseconds(robots.looks_like_one, each), microseconds(slow, each, 1)
        print(f"{name + f', {len(each)}':34}{ours:8.2f}{theirs:12.1f}")
    both = microseconds(robots.looks_like_one, [*people, *machines])
    print(f"{'both':34}{both:8.2f}   (at most {MOST_US})")
    worst = microseconds(robots.looks_like_one, hostile(Random(SEED)), 1)
    print(f"{'made to take long, 512 bytes':34}{worst:8.2f}")
    remembered = people[:500]
    print(f"{'remembered':34}{microseconds(robots.is_robot, remembered):8.2f}")
    caught, listed = (sum(map(rule, machines)) for rule in (robots.looks_like_one, slow))
    many = len(machines)
    print(f"\ncaught {caught / many:.1%} of the robots, the list alone {listed / many:.1%}")
    print(f"lost {sum(map(robots.looks_like_one, people))} of {len(people)} browsers")
    judging(robots, people[0])


def judging(robots: Robots, agent: bytes) -> None:
    names = (b"host", b"accept", b"accept-language", b"accept-encoding", b"referer", b"sec-ch-ua")
    headers = [*((name, b"x" * 20) for name in names), (b"user-agent", agent)]
    scope = {"headers": headers}
    ticket = Ticket(1, 1, 1, 1, 1, 1, 0, 1, 1, 0)
    off = dict.fromkeys(Rule, Mode.OFF)
    print()
    for name, rules in (
        ("no rule", Invalid(off, robots=robots)),
        ("prefetch", Invalid({Rule.ROBOTS: Mode.OFF}, robots=robots)),
        ("prefetch and robots", Invalid(robots=robots)),
    ):
        each = [rules] * 5_000
        taken = microseconds(lambda one: one.judge(scope, ticket, Kind.IMPRESSION), each)
        print(f"{'judging a beacon, ' + name:34}{taken:8.2f}")


if __name__ == "__main__":
    main()
