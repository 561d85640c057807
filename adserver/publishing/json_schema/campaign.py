"""The schema of a campaign file, with the rules that hold between its keys."""

from __future__ import annotations

from adserver.core.catalog import Pace, Period, State, Tier
from adserver.publishing.campaign_file import MAX_FREQUENCY, MAX_PRICE
from adserver.publishing.creatives import MAX_WEIGHT, MIN_WEIGHT
from adserver.publishing.descriptions import CAMPAIGN
from adserver.publishing.goals import MAX_COUNT, UNITS
from adserver.publishing.json_schema.creative import creative
from adserver.publishing.json_schema.site import ZONE
from adserver.publishing.json_schema.targeting import targeting
from adserver.publishing.json_schema.values import (
    Schema,
    any_of,
    described,
    flag,
    is_word,
    items,
    link,
    mapping,
    matching,
    number,
    secure_link,
    text,
    when,
    whole,
    without,
    word,
)

DAY = "(20[0-9]{2}|2100)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
MINUTE = f"{DAY} ([01][0-9]|2[0-3]):[0-5][0-9]"
TIME = "([01]?[0-9]|2[0-4]):[0-5][0-9]"
DAYPART = f"([A-Za-z]+( ?[-,] ?[A-Za-z]+)* +)?{TIME} ?- ?{TIME}"
# Above 0 and at most 100; at most 50.
SHARE = r"(?!0+(\.0+)? ?%)([0-9]{1,2}|0[0-9]{2}|100(?=(\.0+)? ?%))(\.[0-9]{1,4})? ?%"
BUFFER = r"0?([0-4]?[0-9](\.[0-9]{1,4})?|50(\.0{1,4})?) ?%"

COUNTED = any_of(*UNITS)
ENDS = any_of("last_day", "until")


def campaign() -> Schema:
    keys = {
        "advertiser": text(),
        "paid_by": text(),
        "order": text(),
        "state": word(State) | {"default": str(State.READY)},
        "tier": word(Tier),
        "flight": flight(),
        "timezone": matching(ZONE),
        "hours": items(matching(DAYPART)),
        "goal": goal(),
        "buffer": matching(BUFFER),
        "max_per_day": whole(1, MAX_COUNT),
        "max_total": whole(1, MAX_COUNT),
        "pacing": word(Pace) | {"default": str(Pace.EVEN)},
        "frequency": frequency(),
        "price": price(),
        "weight": number(MIN_WEIGHT, MAX_WEIGHT) | {"default": 1},
        "renamed_from": text(),
        "slots": items(text()),
        "targeting": targeting(),
        "competes_in": items(text()),
        "roadblock": flag() | {"default": False},
        "link": link(),
        "utm": flag() | {"default": False},
        "pixels": items(secure_link()),
        "creatives": items(creative()),
    }
    needed = ("tier", "slots", "creatives")
    return mapping(described(keys, CAMPAIGN), needed) | {"allOf": rules()}


def flight() -> Schema:
    keys = {
        "first_day": matching(DAY),
        "last_day": matching(DAY),
        "from": matching(MINUTE),
        "until": matching(MINUTE),
        "timezone": matching(ZONE),
    }
    notations = {"oneOf": [any_of("first_day", "last_day"), any_of("from", "until")]}
    return mapping(described(keys, CAMPAIGN, "flight.")) | notations


def goal() -> Schema:
    keys = {
        "share": matching(SHARE),
        "impressions": whole(1, MAX_COUNT),
        "clicks": whole(1, MAX_COUNT),
    }
    return one_of_them(described(keys, CAMPAIGN, "goal."))


def price() -> Schema:
    amount = {"type": "number", "minimum": 0, "maximum": int(MAX_PRICE)}
    return one_of_them(described(dict.fromkeys(("cpm", "cpc", "flat"), amount), CAMPAIGN, "price."))


def one_of_them(keys: dict[str, Schema]) -> Schema:
    return mapping(keys) | {"minProperties": 1, "maxProperties": 1}


def frequency() -> Schema:
    keys = {"impressions": whole(1, MAX_FREQUENCY), "per": word(Period)}
    return mapping(described(keys, CAMPAIGN, "frequency."), keys)


def rules() -> list[Schema]:
    """What goes together, as `goals`, `campaign_file` and `flights` have it."""
    counted = {"required": ["goal"], "properties": {"goal": COUNTED}}
    of_shares = {"required": ["goal"], "properties": {"goal": {"required": ["share"]}}}
    return [
        when(is_word("tier", Tier.SPONSORSHIP), of_shares),
        when(is_word("tier", Tier.STANDARD), {"properties": {"goal": COUNTED}}),
        when(is_word("tier", Tier.REMNANT, Tier.HOUSE), without("goal")),
        when(is_word("tier", Tier.HOUSE), without("price")),
        when(
            is_word("tier", Tier.SPONSORSHIP, Tier.STANDARD, Tier.REMNANT),
            {"required": ["advertiser"]},
        ),
        when(any_of("buffer", "pacing"), counted),
        when(counted, without("max_total")),
        when(spread(counted), {"required": ["flight"], "properties": {"flight": ENDS}}),
        {"not": {"required": ["timezone", "flight"], "properties": {"flight": zoned()}}},
        {"anyOf": [{"required": ["link"]}, {"properties": {"creatives": own_links()}}]},
    ]


def spread(counted: Schema) -> Schema:
    """Whether a goal is spread over the flight, which then has to end."""
    asap = is_word("pacing", Pace.ASAP)
    return {"allOf": [counted, is_word("tier", Tier.STANDARD), {"not": asap}]}


def zoned() -> Schema:
    return {"required": ["timezone"]}


def own_links() -> Schema:
    return {"items": {"required": ["link"]}}
