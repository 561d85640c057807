"""Names that commands propose for campaigns and their creatives."""

from __future__ import annotations

from collections.abc import Container

from adserver.publishing.links import slug
from adserver.publishing.schema import NAME

MAX_LENGTH = 80
KINDS = {"creative.images": "banner", "creative.html": "page"}


def campaign_name(advertiser: str, first_day: str, taken: Container[str] = ()) -> str:
    """`brulerie-du-port-2026-11`: the advertiser and the month; with a number if it is taken."""
    month = first_day[:7] if len(first_day) == 10 and first_day[4:5] == "-" else ""
    stem = slug(advertiser)[: MAX_LENGTH - 12].rstrip("-") or "campaign"
    return free(f"{stem}-{month}" if month else stem, taken)


def free(name: str, taken: Container[str]) -> str:
    """The name, or the first of its numbered brothers that nobody has."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def creative_id(keys: Container[str], taken: Container[str]) -> str:
    """By what it is: `card` for words."""
    kind = next((name for key, name in KINDS.items() if key in keys), "card")
    return free(kind, taken)


def is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None
