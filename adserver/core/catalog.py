"""The catalog: everything a marketer wrote, as frozen values.

Campaign files are read into these once, when they are checked; a generation stores them; a
snapshot compiles them. Times are UTC seconds, `until` and `end_minute` exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Device(StrEnum):
    DESKTOP = "desktop"
    MOBILE = "mobile"

    # Tables and placements are found by it, and an enum's own is a call of Python.
    __hash__ = str.__hash__


class OnEmpty(StrEnum):
    HOUSE = "house"
    RESERVE = "reserve"
    COLLAPSE = "collapse"


class Tier(StrEnum):
    """From the first served to the last."""

    SPONSORSHIP = "sponsorship"
    STANDARD = "standard"
    REMNANT = "remnant"
    HOUSE = "house"


TIERS: tuple[Tier, ...] = tuple(Tier)


class State(StrEnum):
    DRAFT = "draft"
    READY = "ready"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """CSS pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    def fits(self, room: Size) -> bool:
        return self.width <= room.width and self.height <= room.height


@dataclass(frozen=True, slots=True)
class Slot:
    """A named place in a page; `sizes` has the room per device, at least one."""

    name: str
    title: str
    sizes: Mapping[Device, Size]
    on_empty: OnEmpty = OnEmpty.RESERVE


@dataclass(frozen=True, slots=True)
class Flight:
    """When a campaign may run: UTC seconds, `until` exclusive, None is open.

    timezone: an IANA name; the campaign's hours and its dates in reports are read in it.
    """

    since: float | None
    until: float | None
    timezone: str


@dataclass(frozen=True, slots=True)
class Hours:
    """A daypart: days (0 is Monday), minutes of the day; 24:00 is 1440."""

    days: tuple[int, ...]
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Price:
    """Exactly one of the three is set; the unit is the site's currency."""

    cpm: Decimal | None = None
    cpc: Decimal | None = None
    flat: Decimal | None = None


class Period(StrEnum):
    """What a frequency cap counts over, on the browser's own clock.

    An hour begins with the first time the ad is shown; day, week (from Monday) and month are the
    calendar's. A flight is as long as browsers keep marks at all (tag.js, FLIGHT).
    """

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    FLIGHT = "flight"


@dataclass(frozen=True, slots=True)
class Frequency:
    """A frequency cap: how often one browser sees the campaign in one period at most."""

    impressions: int
    per: Period


@dataclass(frozen=True, slots=True)
class Goal:
    """What is bought: exactly one of the three.

    share: of the traffic that the campaign may have, above 0 and at most 1.
    """

    share: float | None = None
    impressions: int | None = None
    clicks: int | None = None


class Pace(StrEnum):
    """How a goal is spread over its flight: as its traffic is, or as soon as it can be had."""

    EVEN = "even"
    ASAP = "asap"


@dataclass(frozen=True, slots=True)
class Image:
    """One picture: its content hash, file name, size in CSS pixels and pixel density (1 or 2)."""

    digest: str
    name: str
    media_type: str
    size: Size
    density: int


@dataclass(frozen=True, slots=True)
class Text:
    headline: str
    body: str = ""
    cta: str = ""


@dataclass(frozen=True, slots=True)
class Html:
    """An HTML document of its own: content hash, size, and the hosts that it may load from."""

    digest: str
    name: str
    size: Size
    loads_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Creative:
    """What is shown: exactly one of images, text or html; `link` is already the creative's own."""

    id: str
    link: str
    weight: float = 1.0
    alt: str = ""
    images: tuple[Image, ...] = ()
    text: Text | None = None
    html: Html | None = None

    @property
    def kind(self) -> str:
        return "text" if self.text else "html" if self.html else "image"


@dataclass(frozen=True, slots=True)
class Clause:
    """Which values of a fact are wanted, as written; what is empty asks for nothing.

    fact: `url`, `lang`, `country`, `device`, `site`, or a key that the site declares.
    """

    fact: str
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is bought. `slots` are names or patterns with `*`, as written.

    buffer: what is delivered beyond the goal, as a share of it. max_per_day, max_total: 0 is
    without a limit. renamed_from: whose counts it carries on; says nothing of what it is, so two
    campaigns that differ in it alone are equal.
    """

    name: str
    advertiser: str
    tier: Tier
    state: State
    flight: Flight
    slots: tuple[str, ...]
    creatives: tuple[Creative, ...]
    paid_by: str = ""
    order: str = ""
    hours: tuple[Hours, ...] = ()
    weight: float = 1.0
    price: Price | None = None
    pixels: tuple[str, ...] = ()
    frequency: Frequency | None = None
    targeting: tuple[Clause, ...] = ()
    competes_in: tuple[str, ...] = ()
    roadblock: bool = False
    goal: Goal | None = None
    buffer: Decimal = Decimal(0)
    max_per_day: int = 0
    max_total: int = 0
    pacing: Pace = Pace.EVEN
    renamed_from: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ContextKey:
    """A fact that pages may declare: one of a closed list, or many free values."""

    name: str
    one_of: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """The publisher: names, addresses, zone, language, the ad label per language.

    server: the public address of this ad server, "" for root-relative addresses.
    """

    name: str
    sites: Mapping[str, str]
    timezone: str
    currency: str
    language: str
    label: Mapping[str, str]
    breakpoint: int
    context: tuple[ContextKey, ...] = ()
    server: str = ""


@dataclass(frozen=True, slots=True)
class Catalog:
    site: Site
    slots: tuple[Slot, ...]
    campaigns: tuple[Campaign, ...] = ()


Files = Mapping[str, Mapping[str, str]]
"""Which files each file of a config folder needs, as `Generation.files` documents."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One applied catalog. `numbers` gives each name its permanent small number.

    Keys of `numbers`: `campaign/<name>`, `creative/<campaign>/<id>`, `slot/<name>`,
    `site/<name>`; numbers begin at 1, 0 stands for "none". Creatives are all that its campaigns
    have and ever had.

    files: what it was written in. By the name that a file has in the config folder (`site.yaml`,
    `slots.yaml`, `campaigns/<name>.yaml`), the files that it needs, itself included: path in the
    folder → digest of the bytes. Empty for workers, who have no use for it.
    """

    number: int
    catalog: Catalog
    numbers: Mapping[str, int] = field(default_factory=dict)
    files: Files = field(default_factory=dict)


def names(catalog: Catalog) -> list[str]:
    """Every name of the catalog that needs a number, in the form that `Generation` documents."""
    return [
        *(f"site/{name}" for name in catalog.site.sites),
        *(f"slot/{slot.name}" for slot in catalog.slots),
        *(
            name
            for campaign in catalog.campaigns
            for name in (
                f"campaign/{campaign.name}",
                *(f"creative/{campaign.name}/{creative.id}" for creative in campaign.creatives),
            )
        ),
    ]
