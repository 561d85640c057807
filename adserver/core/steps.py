"""Long work in small steps, so that whoever does it may answer requests in between.

A step is a fraction of a millisecond to two: what a request waits for it, it does not notice.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Steps = Generator[None, None, Result]

ITEMS_PER_STEP = 100


def finish(steps: Steps[Result]) -> Result:
    """All at once, where nobody waits."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Result = done.value
            return result


def in_steps(items: Iterable[Item], size: int = ITEMS_PER_STEP) -> Iterator[tuple[Item, bool]]:
    """Each item, and whether a step ends with it."""
    for number, item in enumerate(items, 1):
        yield item, number % size == 0
