"""`python -m benchmarks.deciding`: what one decision costs among a thousand to 100,000 campaigns.

All in one slot, a hundredth of them sponsorships, four tenths standard, the rest remnant; each
wants some of twenty sections, five hundred tags (a few of them popular), thirty countries, four
languages, and some addresses. *Cold* is a page that was never seen; *warm* one of a thousand that
come back. Microseconds of CPU, of one decision at a time, beside the plain loop over all
campaigns that has the same meaning.

`--priced`: all of them remnant, and each with a price of its own.
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


def tables(snapshot: Snapshot, pages: Iterable[Context]):  # type: ignore[no-untyped-def]
    places = snapshot.places[SLOT.name]
    return (places.table(one, NOW) for one in pages)


HEADINGS = (
    "campaigns", "compile s", "MiB", "on the first shelf", "cold p50 µs", "cold p99", "warm p50",
    "warm p99", "plain loop µs",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deciding", description=__doc__)
    parser.add_argument("--campaigns", type=int, nargs="+", default=[20, 1_000, 10_000, 100_000])
    parser.add_argument("--seed", type=int, default=20_261_126)
    parser.add_argument("--priced", action="store_true")
    options = parser.parse_args()
    print("| " + " | ".join(HEADINGS) + " |")
    print("|---" * len(HEADINGS) + "|")
    for many in options.campaigns:
        print("| " + " | ".join(measure(many, options.seed, options.priced)) + " |", flush=True)


if __name__ == "__main__":
    main()
