"""What the store knows of nodes: their workers, and the keys that they may sign with."""

from __future__ import annotations

from dataclasses import dataclass

# Clocks that are set by the network differ by milliseconds; a flight is late by no more than this.
CLOCK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class NodeState:
    """One worker as the store sees it; `seen_at` and `since` are UTC seconds.

    since: by its node's clock. seen_at: as the store has noted it, by the clock of whoever asks.
    signs_with: its signing key's fingerprint. ahead: how far its node's clock is ahead of the
    store's, seconds, by what the store said last; behind if negative.
    """

    name: str
    generation: int
    since: float
    seen_at: float
    signs_with: str = ""
    ahead: float = 0.0


def ahead_of(asked: float, answered: float, said: float) -> float:
    """How far a clock is ahead of another one, at least, seconds; behind if negative.

    The other one said its time between two looks at this one: what the call took explains as much.
    """
    if said < asked:
        return asked - said
    return min(0.0, answered - said)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A signing key that nodes may use, by its fingerprint; `added_at` is UTC seconds."""

    fingerprint: str
    added_at: float
    added_by: str
