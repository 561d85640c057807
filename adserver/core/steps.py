"""Long work in small steps, so that whoever does it may answer requests in between.

A step is a fraction of a millisecond to two: what a request waits for it, it does not notice.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from heapq import merge
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Steps = Generator[None, None, Result]

ITEMS_PER_STEP = 100
ITEMS_PER_RUN = 1_000


def finish(steps: Steps[Result]) -> Result:
    """All at once, where nobody waits."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Result = done.value
            return result


def chosen(items: Iterable[Item], wanted: Callable[[Item], bool]) -> Steps[list[Item]]:
    """Those that are wanted."""
    found = []
    for item, ends in in_steps(items):
        if wanted(item):
            found.append(item)
        if ends:
            yield
    return found


def made_of(items: Iterable[Item], make: Callable[[Item], Result]) -> Steps[list[Result]]:
    """What is made of each."""
    made = []
    for item, ends in in_steps(items):
        made.append(make(item))
        if ends:
            yield
    return made


def ordered(items: Sequence[Item], key: Callable[[Item], Any]) -> Steps[list[Item]]:
    """As `sorted` does it, a run at a time."""
    runs = []
    for first in range(0, len(items), ITEMS_PER_RUN):
        runs.append(sorted(items[first : first + ITEMS_PER_RUN], key=key))
        yield
    return (yield from made_of(merge(*runs, key=key), lambda item: item))


def in_steps(items: Iterable[Item], size: int = ITEMS_PER_STEP) -> Iterator[tuple[Item, bool]]:
    """Each item, and whether a step ends with it."""
    for number, item in enumerate(items, 1):
        yield item, number % size == 0
