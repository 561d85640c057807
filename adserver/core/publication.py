"""What is published with a catalog, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from adserver.core.assets import Asset
from adserver.core.catalog import Campaign, Creative, Files, Flight, Goal, Price


@dataclass(frozen=True, slots=True)
class KnownCreative:
    """What is remembered of every creative that was ever live, for reports and late clicks.

    price, flight, goal: as they last were, so that what an ended campaign earned can still be told.
    """

    campaign: str
    advertiser: str
    creative: Creative
    flight: Flight
    price: Price | None = None
    order: str = ""
    goal: Goal | None = None

    @classmethod
    def of(cls, campaign: Campaign, creative: Creative) -> KnownCreative:
        return cls(
            campaign.name,
            campaign.advertiser,
            creative,
            campaign.flight,
            campaign.price,
            campaign.order,
            campaign.goal,
        )


Origin = Literal["apply", "rollback", "demo", "dev"]
"""How a generation came to be."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the history is to say of a generation that is being published.

    diff: what it changes, in lines. commit: the Git commit of the folder, "" if there is none;
    with "+" behind it if the folder had changes that were not committed. of: the generation that
    a rollback goes back to, 0 for other kinds.
    """

    author: str
    message: str = ""
    diff: str = ""
    commit: str = ""
    kind: Origin = "apply"
    of: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """What a generation's history says of it; `created_at` is UTC seconds.

    commit, kind, of: as of `Entry`. kept: whether its content is still in the store, so that it
    can be gone back to.
    """

    number: int
    created_at: float
    author: str
    message: str
    commit: str = ""
    kind: Origin = "apply"
    of: int = 0
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """What travels with a catalog.

    files: as `core.catalog.Generation` has them. assets: what nodes serve, by digest. sources:
    the other files' bytes, by digest. Of both, what the store has already may be left out.
    """

    files: Files = field(default_factory=dict)
    assets: Mapping[str, Asset] = field(default_factory=dict)
    sources: Mapping[str, bytes] = field(default_factory=dict)
