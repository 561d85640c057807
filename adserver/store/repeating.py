"""A change of which the answer was lost is sent again, until the store says what has become of it.

To look instead would not do: what we sent may still be on its way, and happen after the look. Only
changes come here that happen once, however often they are sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from adserver.core.errors import OutcomeUnknown, StoreUnavailable
from adserver.store.connect import answering, is_refusal

# Sentinels and Clusters name a new master within that time, as a rule.
PATIENCE_SECONDS = 5.0
POLL_SECONDS = 0.1

Told = TypeVar("Told")


def repeated(change: Callable[[], Told], what: str, look: str) -> Told:
    """What the store says of a change, though it be at the second attempt or a later one.

    StoreUnavailable where it has refused, and so changed nothing; OutcomeUnknown, made of `what`
    and `look`, where it does not answer for so long.
    """
    try:
        return attempted(change)
    except StoreUnavailable as error:
        if is_refusal(error.__cause__ or error):
            raise
        return insisted(change, error, what, look)


def insisted(change: Callable[[], Told], error: StoreUnavailable, what: str, look: str) -> Told:
    """A refusal is no answer to what was sent before: that may have been made by another master."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            return attempted(change)
        except StoreUnavailable as again:
            error = again
        time.sleep(POLL_SECONDS)
    raise OutcomeUnknown(error, what, look) from error


def attempted(change: Callable[[], Told]) -> Told:
    with answering():
        return change()
