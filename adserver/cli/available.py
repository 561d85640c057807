"""`adserver available`: what can still be sold of a slot, with a range, and who has the rest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import click

from adserver.cli import output
from adserver.cli.failures import PROBLEMS
from adserver.cli.live import live_of
from adserver.cli.options import Invocation, common
from adserver.cli.why import read_facts
from adserver.core.available import Available
from adserver.core.catalog import Catalog, Clause
from adserver.core.flights import zone
from adserver.core.pauses import Stopped, paused, stopped_by
from adserver.publishing import moments
from adserver.publishing.available import (
    DEFAULT_DAYS,
    MAX_DAYS,
    Answer,
    Records,
    Wish,
    find_out,
    read_wish,
)
from adserver.publishing.unknown import no_such
from adserver.serving.request import gather

UNIT = "impressions"


@click.command()
@click.argument("slot")
@click.argument("facts", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--first-day", default="", help="such as 2026-12-01, of the site's zone; default today"
)
@click.option(
    "--last-day", default="", help=f"included; default the {DEFAULT_DAYS}th day from the first"
)
@common
@click.pass_context
def available(
    context: click.Context, slot: str, facts: tuple[str, ...], first_day: str, last_day: str
) -> None:
    """Say how much of SLOT can still be sold, of pages and readers of which KEY=VALUE holds.

    Keys and values are those of a campaign's `targeting`: url (a pattern), lang, country, device,
    site, and those that site.yaml declares. Several values, repeated or with commas, mean any of
    them. What is sold at the same or a higher tier as a standard campaign is taken off.
    """
    invocation = context.ensure_object(Invocation)
    now = invocation.now()
    with invocation.control_plane(invocation.settings(), existing=True) as plane:
        live = live_of(plane)
        catalog = live.catalog
        # Their state is told; what is paused today can have been sold for days to come.
        stopped = stopped_by(catalog, plane.pauses.known(), now)
        served = paused(live, Stopped(stopped.campaigns))
        wish = read(slot, facts, (first_day, last_day), catalog, now)
        totals = plane.totals
        records = Records(
            served, totals.numbers(), totals.delivered(), plane.traffic, plane.samples
        )
        answer = find_out(records, wish, now)
    if invocation.as_json:
        output.answer(as_json(wish, answer))
    elif answer.found is not None:
        show(wish, answer, answer.found)
    if answer.found is None:
        output.complain(f"Error: {answer.problem}.")
        context.exit(PROBLEMS)


def read(
    name: str, facts: tuple[str, ...], days: tuple[str, str], catalog: Catalog, now: float
) -> Wish:
    """UsageError for what cannot be asked, NoSuchName for an unknown slot."""
    found = {slot.name: slot for slot in catalog.slots}
    if name not in found:
        raise no_such("slot", name, found)
    today = moments.local(now, zone(catalog.site.timezone)).date()
    first = read_day("--first-day", days[0]) or today
    last = read_day("--last-day", days[1]) or first + timedelta(days=DEFAULT_DAYS - 1)
    if last < first:
        raise click.UsageError(f"--last-day {last} lies before --first-day {first}")
    if last < today:
        raise click.UsageError(f"--last-day {last} is over: only what is to come can be sold")
    if (last - today).days >= 2 * MAX_DAYS or (last - first).days >= MAX_DAYS:
        raise click.UsageError(f"at most {MAX_DAYS} days, within the next {2 * MAX_DAYS}")
    return Wish(found[name], first, last, read_targeting(facts, catalog))


def read_day(option: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option}: {text!r} is not a day; write 2026-12-01") from None


def read_targeting(facts: tuple[str, ...], catalog: Catalog) -> tuple[Clause, ...]:
    query, _ = gather(read_facts(facts))
    clauses, problems = read_wish(query, catalog.site)
    if problems:
        told = (f"{one.message}{one.hint and f'; {one.hint}'}" for one in problems)
        raise click.UsageError("\n".join(told))
    return clauses


def as_json(wish: Wish, answer: Answer) -> dict[str, Any]:
    """Numbers are null where nothing can be said, and `problem` says why."""
    found = answer.found
    return {
        "slot": wish.slot.name,
        "first_day": wish.first.isoformat(),
        "last_day": wish.last.isoformat(),
        "targeting": {clause.fact: list(clause.any) for clause in wish.targeting},
        "available": None if found is None else int(found.available),
        "low": None if found is None else int(found.low),
        "high": None if found is None else int(found.high),
        "unit": UNIT,
        "requests": None if found is None else int(found.requests),
        "share": None if found is None else round(found.share, 6),
        "supply": None if found is None else int(found.supply),
        "shown": round(answer.shown, 6),
        "days": answer.days,
        "samples": answer.samples,
        "competing": [
            {
                "campaign": one.campaign.name,
                "tier": one.campaign.tier,
                "state": one.campaign.state,
                "takes": int(one.takes),
            }
            for one in (found.competitors if found else ())
        ],
        "problem": answer.problem,
        "warnings": warnings(answer),
    }


def warnings(answer: Answer) -> list[str]:
    told = [
        f"none of the {answer.samples} samples has a {fact}, so nobody is known to be wanted"
        for fact in answer.unknown
    ]
    if answer.unsampled:
        told.append(
            "no requests were sampled in the last days: campaigns are taken to want all of them"
        )
    return told


def show(wish: Wish, answer: Answer, found: Available) -> None:
    output.say(f"{wish.slot.name}, {days_of(wish)}{wanted(wish.targeting)}")
    output.say()
    output.say(
        f"{found.available:,.0f} {UNIT} can be sold; in eight cases of ten it is "
        f"{found.low:,.0f} to {found.high:,.0f}."
    )
    output.say()
    of_all = f" x {found.share:.1%} wanted" if wish.targeting or found.share < 1 else ""
    output.say(
        f"{found.supply:,.0f} to come: {found.requests:,.0f} requests{of_all} x "
        f"{answer.shown:.1%} shown, by {answer.days} days and {answer.samples:,} samples."
    )
    for warning in warnings(answer):
        output.complain(f"Warning: {warning}.")
    if not found.competitors:
        output.say("No campaign competes for them.")
        return
    rows = [
        (
            one.campaign.name,
            one.campaign.tier,
            one.campaign.state,
            f"{one.takes:,.0f}" if one.takes or one.campaign.goal else "what is left",
        )
        for one in found.competitors
    ]
    output.say()
    output.table(("campaign", "tier", "state", "takes"), rows, numbers=("takes",))


def days_of(wish: Wish) -> str:
    return f"{wish.first}" if wish.first == wish.last else f"{wish.first} to {wish.last}"


def wanted(targeting: tuple[Clause, ...]) -> str:
    return "".join(f", {clause.fact} {' or '.join(clause.any)}" for clause in targeting)
