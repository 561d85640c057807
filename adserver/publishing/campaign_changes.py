"""What changes in a campaign, key by key, in the words of its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adserver.core.catalog import Campaign, Clause, Flight
from adserver.core.plan import changed_fields
from adserver.publishing import in_words
from adserver.publishing.change import Change, Wording, of_list, of_text, of_value
from adserver.publishing.creative_changes import creative_changes

ANOTHER_ORDER = "in another order"
NOTHING = Clause("")


def campaign_changes(before: Campaign, after: Campaign, now: float) -> tuple[Change, ...]:
    """Something for every key that differs; nothing where the two are equal.

    now: UTC seconds; of another year, a day is told with the year.
    """
    return tuple(
        change
        for name in changed_fields(before, after)
        for change in (tuple(changes_of(name, before, after, now)) or (reordered(name),))
    )


def reordered(name: str) -> Change:
    return Change(name, note=ANOTHER_ORDER)


def changes_of(name: str, before: Campaign, after: Campaign, now: float) -> Iterator[Change]:
    """Of one field of a campaign."""
    was, will = getattr(before, name), getattr(after, name)
    match name:
        case "flight":
            return flight_changes(was, will, now)
        case "targeting":
            return targeting_changes(was, will)
        case "creatives":
            return creative_changes(was, will)
    if name in TEXTS:
        return of_text(name, was, will)
    if name in LISTS:
        return of_list(name, LISTS[name](was), LISTS[name](will))
    return of_value(name, VALUES[name](was), VALUES[name](will))


TEXTS = ("advertiser", "paid_by", "order")
VALUES: dict[str, Callable[..., Wording | str]] = {
    "name": str,
    "tier": str,
    "state": str,
    "weight": in_words.number,
    "price": in_words.price,
    "frequency": in_words.frequency,
    "roadblock": lambda flag: str(flag).lower(),
    "goal": in_words.goal,
    "buffer": in_words.percent,
    "max_per_day": in_words.limit,
    "max_total": in_words.limit,
    "pacing": str,
}
LISTS: dict[str, Callable[..., tuple[str, ...]]] = {
    "slots": tuple,
    "hours": in_words.hours,
    "pixels": tuple,
    "competes_in": tuple,
}


def flight_changes(before: Flight, after: Flight, now: float) -> Iterator[Change]:
    yield from of_value("timezone", before.timezone, after.timezone)
    by_day = in_words.in_days(before, after)
    for words in (in_words.flight_begin, in_words.flight_end):
        yield from of_value(
            "flight", words(before, now, by_day=by_day), words(after, now, by_day=by_day)
        )


def targeting_changes(before: tuple[Clause, ...], after: tuple[Clause, ...]) -> Iterator[Change]:
    was = {clause.fact: clause for clause in before}
    will = {clause.fact: clause for clause in after}
    for fact in sorted(was.keys() | will.keys()):
        one, other = was.get(fact, NOTHING), will.get(fact, NOTHING)
        for word in ("any", "all", "none"):
            yield from of_list(
                f"targeting.{fact}", getattr(one, word), getattr(other, word), what=word
            )
