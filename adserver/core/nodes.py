"""What the store knows of nodes: their workers, and the keys that they may sign with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeState:
    """One worker as the store sees it; `seen_at` and `since` are UTC seconds.

    since: by its node's clock. seen_at: as the store has noted it, by the clock of whoever asks.
    signs_with: its signing key's fingerprint.
    """

    name: str
    generation: int
    since: float
    seen_at: float
    signs_with: str = ""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A signing key that nodes may use, by its fingerprint; `added_at` is UTC seconds."""

    fingerprint: str
    added_at: float
    added_by: str
