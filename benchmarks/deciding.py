"""`python -m benchmarks.deciding`: what one decision costs among a thousand to 100,000 campaigns.

All in one slot, a hundredth of them sponsorships, four tenths standard, the rest remnant; each
wants some of twenty sections, five hundred tags (a few of them popular), thirty countries, four
languages, and some addresses. *Cold* is a page that was never seen; *warm* one of a thousand that
come back. Microseconds of CPU, of one decision at a time, beside the plain loop over all
campaigns that has the same meaning.

`--priced`: all of them remnant, and each with a price of its own.

`--refused`: all want every page, at one price and each at a price of its own, and a page refuses
them: all, as a rival of their trade stands on it; half, with names of others; 64, by name.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from statistics import median, quantiles

from adserver.core.catalog import (
    Campaign,
    Catalog,
    Clause,
    Creative,
    Device,
    Flight,
    Generation,
    Price,
    Site,
    Size,
    Slot,
    State,
    Text,
    Tier,
    names,
)
from adserver.core.context import Context
from adserver.core.decision import decide, hard_reason
from adserver.core.snapshot import Snapshot, compile_snapshot
from adserver.core.targeting import ranges_of

NOW = 1_793_610_000.0
SECTIONS, TAGS, COUNTRIES, LANGUAGES = 20, 500, 30, ("fr", "en", "de", "es")
TIERS = (Tier.SPONSORSHIP,) * 1 + (Tier.STANDARD,) * 40 + (Tier.REMNANT,) * 59
PAGES = 1_000
SLOT = Slot("post-top", "Above the article", {Device.DESKTOP: Size(728, 90)})
SITE = Site(
    "Bench", {"blog": "https://blog.example"}, "Europe/Paris", "EUR", "fr", {"fr": "Pub"}, 1
)


def tag(draw: Random) -> str:
    """A few tags are on most pages: the share of the n-th falls with n."""
    return f"tag{int(TAGS ** draw.random()) - 1}"


def campaign(number: int, draw: Random) -> Campaign:
    clauses = [
        Clause("section", any=tuple(f"s{draw.randrange(SECTIONS)}" for _ in range(2))),
        Clause("tags", any=(tag(draw), tag(draw)), none=(tag(draw),) * (draw.random() < 0.1)),
    ]
    if draw.random() < 0.5:
        clauses.append(Clause("country", any=tuple(f"c{draw.randrange(COUNTRIES)}" for _ in "ab")))
    if draw.random() < 0.2:
        clauses.append(Clause("lang", any=(draw.choice(LANGUAGES),)))
    if draw.random() < 0.1:
        clauses.append(Clause("url", any=(f"/{2016 + draw.randrange(11)}/*",)))
    return Campaign(
        name=f"c{number:06d}",
        advertiser="Bench",
        tier=draw.choice(TIERS),
        state=State.READY,
        flight=Flight(NOW - 86_400 * draw.randrange(1, 30), NOW + 3_600 * 24 * 30, "Europe/Paris"),
        slots=("*",),
        creatives=(Creative("text", "https://shop.example/", text=Text("Bench")),),
        weight=draw.uniform(0.5, 2),
        targeting=tuple(clauses),
    )


def page(number: int, draw: Random) -> Context:
    tags = {tag(draw) for _ in range(5)}
    return Context(
        site="blog",
        url=f"https://blog.example/{2016 + draw.randrange(11)}/{number}",
        facts=(
            ("section", (f"s{draw.randrange(SECTIONS)}",)),
            ("tags", tuple(sorted(tags))),
            ("country", (f"c{draw.randrange(COUNTRIES)}",)),
            ("lang", ranges_of(draw.choice(LANGUAGES))),
        ),
    )


def priced(one: Campaign, number: int) -> Campaign:
    """Prices fall nowhere together with names."""
    cents = number * 7_919 % 1_000_003
    return replace(one, tier=Tier.REMNANT, price=Price(cpm=Decimal(cents) / 100))


def generation(many: int, seed: int, with_prices: bool) -> Generation:
    draw = Random(seed)
    campaigns = tuple(campaign(number, draw) for number in range(many))
    if with_prices:
        campaigns = tuple(priced(one, number) for number, one in enumerate(campaigns))
    catalog = Catalog(SITE, (SLOT,), campaigns)
    numbers = {name: number for number, name in enumerate(names(catalog), 1)}
    return Generation(1, catalog, numbers)


def timed(snapshot: Snapshot, pages: Iterable[Context], draw: Random) -> list[float]:
    """Microseconds of each decision."""
    taken = []
    for one in pages:
        drawn = draw.random()
        begun = time.perf_counter_ns()
        decide(snapshot, SLOT.name, one, NOW, drawn)
        taken.append((time.perf_counter_ns() - begun) / 1e3)
    return taken


def plain(snapshot: Snapshot, one: Context) -> float:
    """Microseconds of asking each campaign in turn."""
    places = snapshot.places[SLOT.name]
    begun = time.perf_counter_ns()
    for candidate in places.candidates:
        hard_reason(candidate, places, one, NOW)
    return (time.perf_counter_ns() - begun) / 1e3


def measure(many: int, seed: int, with_prices: bool) -> Sequence[str]:
    made = generation(many, seed, with_prices)
    gc.collect()
    gc.freeze()
    tracemalloc.start()
    begun = time.process_time()
    snapshot = compile_snapshot(made)
    draw = Random(seed + 1)
    pages = [page(number, draw) for number in range(3 * PAGES)]
    decide(snapshot, SLOT.name, pages[0], NOW, 0.5)  # who may run now, and who fits
    ready = time.process_time() - begun
    kept = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    begun = time.process_time()
    snapshot = compile_snapshot(made)
    decide(snapshot, SLOT.name, pages[0], NOW, 0.5)
    ready = time.process_time() - begun
    cold = timed(snapshot, pages[PAGES:], draw)
    again = pages[-PAGES:]
    warm = timed(snapshot, again * 3, draw)[PAGES:]
    loop = median(plain(snapshot, one) for one in pages[: max(3, 30_000 // many)])
    eligible = [len(t.first.placements) for t in tables(snapshot, again) if t.first]
    return (
        f"{many:,}",
        f"{ready:.2f}",
        f"{kept:.0f}",
        f"{median(eligible or [0]):.0f}",
        f"{median(cold):.0f}",
        f"{quantiles(cold, n=100)[98]:.0f}",
        f"{median(warm):.1f}",
        f"{quantiles(warm, n=100)[98]:.1f}",
        f"{loop:,.0f}",
    )


def refusing(number: int, one: Campaign, with_prices: bool) -> Campaign:
    """Of a trade, by two advertisers; the first is the rival of all others."""
    free = replace(one, targeting=(), advertiser=f"Bench {number > 0}", competes_in=("coffee",))
    price = Decimal(number * 7_919 % 1_000_003) / 100 if with_prices and number else Decimal(1)
    return replace(free, tier=Tier.REMNANT, price=Price(cpm=price), weight=1 + number % 3)


def measure_refused(many: int, seed: int, with_prices: bool) -> Iterable[Sequence[str]]:
    made = generation(many, seed, False)
    campaigns = tuple(refusing(n, one, with_prices) for n, one in enumerate(made.catalog.campaigns))
    others = tuple(replace(one, competes_in=()) for one in campaigns)
    draw = Random(seed)
    names_ = [one.name for one in campaigns]
    pages = {
        "all, by their trade": (campaigns, frozenset(names_[:1])),
        "half, by name": (others, frozenset(draw.sample(names_, many // 2))),
        # Those that a draw would fall on, where each has a price of its own.
        "64, by name": (others, frozenset(best(others)[:64])),
    }
    for what, (booked, excluded) in pages.items():
        snapshot = compile_snapshot(replace(made, catalog=replace(made.catalog, campaigns=booked)))
        one = Context(excluded=excluded)
        gc.collect()
        gc.freeze()
        first = timed(snapshot, [one], draw)
        again = timed(snapshot, [one] * PAGES, draw)
        yield (
            f"{many:,}",
            "their own" if with_prices else "one",
            what,
            f"{first[0] / 1e3:.1f}",
            f"{median(again):.0f}",
            f"{quantiles(again, n=100)[98]:.0f}",
        )


def best(campaigns: Iterable[Campaign]) -> list[str]:
    """Names, by price."""
    return [
        one.name for one in sorted(campaigns, key=lambda one: -((one.price and one.price.cpm) or 0))
    ]


def tables(snapshot: Snapshot, pages: Iterable[Context]):  # type: ignore[no-untyped-def]
    places = snapshot.places[SLOT.name]
    return (places.table(one, NOW) for one in pages)


HEADINGS = (
    "campaigns", "compile s", "MiB", "on the first shelf", "cold p50 µs", "cold p99", "warm p50",
    "warm p99", "plain loop µs",
)  # fmt: skip


REFUSED = ("campaigns", "prices", "refused", "first ms", "warm p50 µs", "warm p99")


def print_refused(campaigns: Sequence[int], seed: int) -> None:
    print("| " + " | ".join(REFUSED) + " |")
    print("|---" * len(REFUSED) + "|")
    for many in campaigns:
        for with_prices in (False, True):
            for row in measure_refused(many, seed, with_prices):
                print("| " + " | ".join(row) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deciding", description=__doc__)
    parser.add_argument("--campaigns", type=int, nargs="+", default=[20, 1_000, 10_000, 100_000])
    parser.add_argument("--seed", type=int, default=20_261_126)
    parser.add_argument("--priced", action="store_true")
    parser.add_argument("--refused", action="store_true")
    options = parser.parse_args()
    if options.refused:
        print_refused(options.campaigns, options.seed)
        return
    print("| " + " | ".join(HEADINGS) + " |")
    print("|---" * len(HEADINGS) + "|")
    for many in options.campaigns:
        print("| " + " | ".join(measure(many, options.seed, options.priced)) + " |", flush=True)


if __name__ == "__main__":
    main()
