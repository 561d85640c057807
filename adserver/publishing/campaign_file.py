"""A campaign file: what is bought, read into a `Campaign`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from adserver.core.booking import covers
from adserver.core.catalog import (
    Campaign,
    Flight,
    Frequency,
    Period,
    Price,
    Site,
    Slot,
    State,
    Tier,
)
from adserver.core.targeting import fold
from adserver.publishing.bookings import check_bookings
from adserver.publishing.creatives import (
    ALL_KEYS,
    MAX_WEIGHT,
    MIN_WEIGHT,
    NO_DESTINATION,
    Workshop,
    read_creatives,
    read_destination,
    read_link_at,
)
from adserver.publishing.findings import WHOLE_FILE, Findings, Place, Placed
from adserver.publishing.flights import FLIGHT_ENDS, OTHER_WORDS, read_flight, read_hours
from adserver.publishing.goals import read_terms
from adserver.publishing.nodes import MapNode, Scalar, quoted
from adserver.publishing.schema import NAME, Fields
from adserver.publishing.suggest import nearest, nearest_or_all
from adserver.publishing.surprises import warn_of_surprises
from adserver.publishing.targeting import read_targeting

KEYS = (
    "advertiser", "paid_by", "order", "state", "tier", "flight", "timezone", "hours", "frequency",
    "price", "weight", "slots", "link", "utm", "pixels", "creatives", "targeting",
    "competes_in", "roadblock", "goal", "buffer", "max_per_day", "max_total", "pacing",
    "renamed_from",
)  # fmt: skip

# What stands in the flight, and is looked for beside it.
IN_FLIGHT = "days stand in the flight: `flight: {first_day: 2026-11-02, last_day: 2026-11-30}`"
MISPLACED = dict.fromkeys((*FLIGHT_ENDS, *OTHER_WORDS), IN_FLIGHT)

# Stands in a campaign that is refused for its flight.
NO_FLIGHT = Flight(None, None, "UTC")
MAX_PRICE = Decimal(1_000_000_000)
# A millionth of a unit per thousand impressions: below that nobody could bill it.
MAX_PRICE_DECIMALS = 6
# More often than anybody looks at one ad: a cap above it would never be met.
MAX_FREQUENCY = 1_000


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a campaign is read against. site and slots are None where they could not be read.

    now: UTC seconds; None leaves out what depends on the date.
    """

    site: Site | None
    slots: tuple[Slot, ...] | None
    workshop: Workshop
    now: float | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A campaign that was read: its findings, and where its keys stand."""

    campaign: Campaign
    findings: Findings
    places: Mapping[str, Placed]

    def warn(self, key: str, code: str, message: str, hint: str) -> None:
        """At the key, or at the tier where the file does not have it."""
        at = self.places.get(key) or self.places.get("tier") or WHOLE_FILE
        self.findings.warning(at, code, message, hint)


def read_campaign(
    name: str, node: MapNode, around: Surroundings, findings: Findings
) -> Read | None:
    fields = Fields(node, findings)
    fields.only(KEYS, MISPLACED)
    fields.need("tier", hint="one of sponsorship, standard, remnant, house")
    fields.need("slots", hint="where it may stand, such as `slots: [home-top]`")
    fields.need("creatives", hint="what is shown, such as `- {id: …, text: {headline: …}}`")
    tier = fields.choice("tier", Tier)
    need_advertiser(fields, tier)
    destination = read_destination(fields, NO_DESTINATION)
    slots = read_slot_names(fields, around.slots)
    creatives = read_creatives(fields, name, destination, around.workshop)
    need_links(fields)
    flight = read_flight(fields, around.site.timezone if around.site else "UTC")
    terms = read_terms(fields, tier, flight)
    campaign = Campaign(
        name=name,
        advertiser=fields.text("advertiser") or (around.site.name if around.site else ""),
        tier=tier or Tier.HOUSE,
        state=read_state(fields),
        flight=flight or NO_FLIGHT,
        slots=tuple(pattern for _, pattern in slots),
        creatives=tuple(creative for _, creative in creatives),
        paid_by=fields.text("paid_by") or "",
        order=fields.text("order") or "",
        hours=read_hours(fields),
        weight=read_weight(fields),
        price=read_price(fields, tier),
        pixels=read_pixels(fields),
        frequency=read_frequency(fields),
        targeting=read_targeting(fields, around.site),
        competes_in=read_trades(fields),
        goal=terms.goal,
        buffer=terms.buffer,
        max_per_day=terms.max_per_day,
        max_total=terms.max_total,
        pacing=terms.pacing,
        roadblock=bool(fields.flag("roadblock")) if "roadblock" in fields else False,
        renamed_from=read_old_name(fields, name),
    )
    if not findings.failed and around.slots is not None:
        check_bookings(campaign, slots, creatives, around.slots, findings)
    if findings.failed:
        return None
    if around.slots is not None:
        warn_of_surprises(fields, campaign, around.site, around.slots, around.now)
    return Read(campaign, findings, {key: place_of(at) for key, (_, at) in node.entries.items()})


def place_of(at: Placed) -> Place:
    """Only the place of a node, whatever it holds."""
    return Place(at.line, at.column)


def need_advertiser(fields: Fields, tier: Tier | None) -> None:
    """Only house campaigns go without; of an unreadable tier nobody knows."""
    if tier is not Tier.HOUSE and not (tier is None and "tier" in fields):
        fields.need("advertiser", hint="who is advertised; only house campaigns can leave it out")


def need_links(fields: Fields) -> None:
    """Every creative leads somewhere: by its own link or the campaign's."""
    if "link" in fields or "link" in fields.meant:
        return
    creatives = [node for node in fields.items_if_any("creatives") if isinstance(node, MapNode)]
    without = [node for node in creatives if not has_link(node)]
    if len(without) == len(creatives):
        fields.need("link", hint="where a click leads, such as https://…")
        return
    for node in without:
        message = "this creative has no `link`, and the campaign has none either"
        fields.findings.error(node, "missing_key", message, "write `link: https://…`")


def has_link(creative: MapNode) -> bool:
    """Whether it has a link of its own, however it is spelt."""
    return any(nearest(key, ALL_KEYS) == "link" for key in creative.entries)


def read_old_name(fields: Fields, name: str) -> str:
    old = fields.text("renamed_from") or ""
    if old and not NAME.fullmatch(old):
        fields.expected("renamed_from", "the name that it had, which is a file's without .yaml")
    elif old == name:
        message = f"`renamed_from`: {quoted(old)} is its own name"
        fields.findings.error(fields.at("renamed_from"), "bad_rename", message, "remove it")
    return old


def read_state(fields: Fields) -> State:
    return fields.choice("state", State) or State.READY


def read_weight(fields: Fields) -> float:
    return float(fields.number_between("weight", MIN_WEIGHT, MAX_WEIGHT) or 1)


def read_price(fields: Fields, tier: Tier | None) -> Price | None:
    if "price" not in fields:
        return None
    if tier is Tier.HOUSE:
        message = "a house campaign has no `price`"
        fields.findings.error(fields.at("price"), "house_price", message, "remove it")
    price = fields.table("price", "{cpm: 8.50}")
    if price is None:
        return None
    # `8,50` in a mapping is 8, and a key 50.
    commas = {key: "write it with a point: 8.50" for key in price.node.entries if key.isdigit()}
    price.only(("cpm", "cpc", "flat"), commas)
    amounts = {key: read_amount(price, key) for key in ("cpm", "cpc", "flat") if key in price}
    if len(amounts) != 1:
        message = f"`price`: expected one of cpm, cpc or flat, found {len(amounts) or 'none'}"
        fields.findings.error(price.node, "one_price", message, "write it as {cpm: 8.50}")
    return Price(**amounts)


def read_amount(price: Fields, key: str) -> Decimal | None:
    amount = price.number_between(key, Decimal(0), MAX_PRICE)
    if amount is not None and -int(amount.as_tuple().exponent) > MAX_PRICE_DECIMALS:
        price.expected(key, f"at most {MAX_PRICE_DECIMALS} decimals")
    return amount


def read_frequency(fields: Fields) -> Frequency | None:
    if "frequency" not in fields:
        return None
    example = "{impressions: 3, per: day}"
    cap = fields.table("frequency", example)
    if cap is None:
        return None
    cap.only(("impressions", "per"))
    cap.need("impressions", "per", hint=f"write it as {example}")
    impressions = cap.whole_between("impressions", 1, MAX_FREQUENCY)
    per = cap.choice("per", Period)
    return Frequency(impressions, per) if impressions and per else None


def read_pixels(fields: Fields) -> tuple[str, ...]:
    if "pixels" not in fields:
        return ()
    addresses = (
        read_link_at(item, fields, "pixels", schemes=("https",)) for item in fields.items("pixels")
    )
    return tuple(str(address) for address in addresses if address)


def read_trades(fields: Fields) -> tuple[str, ...]:
    """As written, each once; they compare regardless of case."""
    if "competes_in" not in fields:
        return ()
    return tuple({fold(text): text for _, text in fields.texts("competes_in")}.values())


def read_slot_names(fields: Fields, slots: tuple[Slot, ...] | None) -> list[tuple[Scalar, str]]:
    """The names and patterns of `slots`, each of which must stand for a slot that exists."""
    found = list(fields.texts("slots"))
    for node, pattern in found if slots is not None else ():
        if not any(covers(pattern, slot.name) for slot in slots or ()):
            refuse_slot(node, pattern, [slot.name for slot in slots or ()], fields.findings)
    return found


def refuse_slot(node: Scalar, pattern: str, names: list[str], findings: Findings) -> None:
    hint = nearest_or_all(pattern.replace("*", ""), names, "slots are")
    if "*" in pattern:
        message = f"no slot matches the pattern {quoted(pattern)}"
    else:
        message = f"there is no slot {quoted(pattern)}"
    findings.error(node, "unknown_slot", message, hint)
