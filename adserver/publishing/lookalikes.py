"""Names that read alike and are not the same.

Names of slots, campaigns and creatives are ASCII, so they need none of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from adserver.core.targeting import fold
from adserver.publishing.alphabets import skeleton
from adserver.publishing.suggest import listed

if TYPE_CHECKING:
    from adserver.publishing.campaign_file import Read


def warn_of_twins(read: Sequence[Read]) -> None:
    """Advertisers that are written in two ways: their campaigns would compete with each other."""
    first: dict[str, Read] = {}
    for one in read:
        name = one.campaign.advertiser
        known = first.setdefault(skeleton(name), one)
        if fold(known.campaign.advertiser) != fold(name):
            other = known.campaign
            message = (
                f"`{name}` reads like the advertiser {listed([other.advertiser])} of the campaign "
                f"`{other.name}`, and is written with other characters"
            )
            hint = "write both in one way, so that they are one advertiser in reports"
            one.warn("advertiser", "advertiser_twin", message, hint)


def twins(values: Iterable[str]) -> list[tuple[str, str]]:
    """Of values that differ, those that read alike: each with the first that it reads like."""
    first: dict[str, str] = {}
    found = ((first.setdefault(skeleton(value), value), value) for value in values)
    return [(value, known) for known, value in found if fold(known) != fold(value)]
