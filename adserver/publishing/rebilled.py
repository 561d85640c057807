"""What a new price, or another currency, does to what was delivered already.

Reports have one price for a campaign: the one that it has. So whoever changes it changes what all
earlier delivery is worth, and is told how much, by the reckoning of `report`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from adserver.core.catalog import Campaign, Catalog, Price
from adserver.core.plan import Plan
from adserver.publishing.effect import Effect, Kind, Weight
from adserver.publishing.known import Known
from adserver.publishing.recorded import read_records
from adserver.publishing.report import By, Query, Records, Report, Sums, report
from adserver.publishing.terms import terms_of

SITE = "site"


def rebilled_effects(
    before: Catalog | None, after: Catalog, plan: Plan, known: Known
) -> Iterator[Effect]:
    """Nothing of what has delivered nothing, or is worth the same. Rows are read only where a price
    or the currency changes."""
    if before is None:
        return
    live = {one.name: one for one in before.campaigns}
    repriced = [
        one for one in after.campaigns if is_repriced(one, live.get(plan.before(one.name)), known)
    ]
    currencies = before.site.currency, after.site.currency
    if not repriced and currencies[0] == currencies[1]:
        return
    records = read_records(known.totals, before, None, None, known.now)
    was = report_of(records, before, known.now)
    will = report_of(records, under_old_names(after, plan), known.now)
    for campaign in repriced:
        label = (plan.before(campaign.name),)
        old, new = was.lines.get(label, Sums()), will.lines.get(label, Sums())
        if old.earned != new.earned:
            price = price_of(live, records, label[0])
            worth = change_of((old.revenue, new.revenue), currencies)
            message = f"{campaign.name}: {in_words(new, price, campaign.price)}: {worth}"
            yield Effect(Kind.REBILLED, campaign.name, Weight.WARNING, message)
    if currencies[0] != currencies[1] and was.total.earned:
        worth = change_of((was.total.revenue, will.total.revenue), currencies)
        message = (
            f"{SITE}: all that was earned already, by ended campaigns too, is told in "
            f"{currencies[1]}, and nothing is converted: {worth}"
        )
        yield Effect(Kind.REBILLED, SITE, Weight.WARNING, message)


def is_repriced(campaign: Campaign, before: Campaign | None, known: Known) -> bool:
    """Also of one that comes back after it had ended, maybe with another price."""
    if before is not None:
        return before.price != campaign.price
    return any(counts.get(campaign.name) for counts in known.by_unit.values())


def report_of(records: Records, catalog: Catalog, now: float) -> Report:
    return report(replace(records, catalog=catalog), Query(By.CAMPAIGN, now))


def under_old_names(after: Catalog, plan: Plan) -> Catalog:
    """Under which their counts are kept until the proposal is live."""
    campaigns = (replace(one, name=plan.before(one.name)) for one in after.campaigns)
    return replace(after, campaigns=tuple(campaigns))


def price_of(live: Mapping[str, Campaign], records: Records, name: str) -> Price | None:
    """As it is, or as it last was."""
    terms = terms_of(records.known.values(), live).get(name)
    return terms.price if terms else None


def in_words(sums: Sums, before: Price | None, after: Price | None) -> str:
    """What is billed otherwise: impressions for a cpm, clicks for a cpc, time for a flat price."""
    if after is None:
        return "without a price, what is delivered already earns nothing"
    was_flat = before is not None and before.flat is not None
    if after.flat is not None:
        instead = "" if was_flat else ", instead of what is delivered"
        return f"the time that is over already is billed at the new flat price, too{instead}"
    count, unit = (sums.impressions, "impression") if after.cpc is None else (sums.clicks, "click")
    said = (
        f"{count:,} {unit} already delivered is"
        if count == 1
        else (f"{count:,} {unit}s already delivered are")
    )
    instead = ", instead of the time that is over" if was_flat else ""
    return f"{said} billed at the new price, too{instead}"


def change_of(amounts: tuple[Decimal, Decimal], currencies: tuple[str, str]) -> str:
    """`6.45 → 7.89 EUR`, or with both currencies."""
    (old, new), (was, will) = amounts, currencies
    return f"{old:,} → {new:,} {will}" if was == will else f"{old:,} {was} → {new:,} {will}"
