"""A campaign that is created, key by key, in the words of its file.

What was agreed stands together in the first line; of the rest there is a line for each key that
the file has, and none for what nobody has written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields

from adserver.core.catalog import Campaign, Clause, Creative, State
from adserver.core.flights import ended
from adserver.publishing import in_words
from adserver.publishing.campaign_changes import LISTS, TEXTS, VALUES
from adserver.publishing.change import MAX_VALUES_SHOWN, quoted
from adserver.publishing.hosts import with_letters
from adserver.publishing.spans import span_words

DEFAULTS = {one.name: one.default for one in fields(Campaign) if one.default is not MISSING}
DEFAULTS["state"] = State.READY
# In the order of docs/campaigns.md.
ABOUT_ITSELF = (
    "paid_by", "order", "state", "buffer", "max_per_day", "max_total", "pacing", "hours",
    "frequency", "weight",
)  # fmt: skip
ABOUT_PAGES = ("targeting", "competes_in", "roadblock")


def created_lines(campaign: Campaign, places: str, timezone: str, now: float) -> Iterator[str]:
    """places: its slots in words. timezone: the site's, which goes without saying. now: UTC
    seconds."""
    yield ", ".join(terms(campaign))
    yield from said(campaign, ABOUT_ITSELF)
    yield f"slots: {places}"
    yield from said(campaign, ABOUT_PAGES)
    yield from link_lines(campaign)
    yield from said(campaign, ("pixels",))
    yield f"creatives: {', '.join(in_words.creative(one) for one in campaign.creatives)}"
    if campaign.flight.timezone != timezone:
        yield f"timezone: {campaign.flight.timezone}"
    yield from flight_line(campaign, now)
    yield span_words(campaign, now)


def terms(campaign: Campaign) -> Iterator[str]:
    yield str(campaign.tier)
    yield campaign.advertiser
    if campaign.goal:
        yield str(in_words.goal(campaign.goal))
    if campaign.price:
        yield str(in_words.price(campaign.price))


def said(campaign: Campaign, names: tuple[str, ...]) -> Iterator[str]:
    """Of these fields, what is not as it would be if the file did not have it."""
    for name in names:
        value = getattr(campaign, name)
        if value == DEFAULTS[name]:
            continue
        if name == "targeting":
            yield from (clause_line(clause) for clause in value)
        elif name in TEXTS:
            yield f"{name}: {quoted(value)}"
        elif name in LISTS:
            yield f"{name}: {listed(LISTS[name](value))}"
        else:
            yield f"{name}: {VALUES[name](value)}"


def clause_line(clause: Clause) -> str:
    """`targeting.section: any tech, business; none crime`."""
    parts = [
        f"{word} {listed(values)}"
        for word in ("any", "all", "none")
        if (values := getattr(clause, word))
    ]
    return f"targeting.{clause.fact}: {'; '.join(parts)}"


def listed(values: tuple[str, ...]) -> str:
    more = len(values) - MAX_VALUES_SHOWN
    shown = ", ".join(values[:MAX_VALUES_SHOWN])
    return f"{shown} and {more:,} more" if more > 0 else shown


def link_lines(campaign: Campaign) -> Iterator[str]:
    """Each address once, with the first creatives' first."""
    links = dict.fromkeys(link_words(campaign.name, one) for one in campaign.creatives)
    for link in [*links][:MAX_VALUES_SHOWN]:
        yield f"link: {link}"
    if len(links) > MAX_VALUES_SHOWN:
        yield f"link: and {len(links) - MAX_VALUES_SHOWN:,} more"


def link_words(campaign: str, creative: Creative) -> str:
    """As it is written; what `utm: true` has added to it is said in these words."""
    own = f"utm_campaign={campaign}", f"utm_content={creative.id}"
    added = all(part in creative.link for part in own)
    written = in_words.without_utm(creative.link) if added else creative.link
    return f"{with_letters(written)}{', utm: true' if added else ''}"


def flight_line(campaign: Campaign, now: float) -> Iterator[str]:
    """Where its first and last impression do not tell its dates."""
    flight = campaign.flight
    dated = flight.since is not None or flight.until is not None
    begun = flight.since is not None and flight.since <= now
    if not dated or not (
        begun or campaign.hours or campaign.state is State.DRAFT or ended(flight, now)
    ):
        return
    by_day = in_words.in_days(flight)
    since = in_words.flight_begin(flight, now, by_day=by_day)
    until = in_words.flight_end(flight, now, by_day=by_day)
    yield f"flight: {since}, {until}"
