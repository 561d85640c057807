"""`adserver why`: every candidate of a slot, and the one reason why it shows or does not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from adserver.cli import output
from adserver.cli.failures import PROBLEMS
from adserver.cli.live import live_of
from adserver.cli.options import Invocation, common
from adserver.core.bought import delivered_by_unit
from adserver.core.catalog import Catalog, Device, Generation
from adserver.core.context import Context
from adserver.core.decision import Candidate
from adserver.core.flights import zone
from adserver.core.goals import limits_of
from adserver.core.pauses import paused, stopped_by
from adserver.core.targeting import fold
from adserver.publishing import moments
from adserver.publishing.delivery import NOTHING_DELIVERED, Delivery, delivery
from adserver.publishing.suggest import nearest_or_all
from adserver.publishing.why import Question
from adserver.publishing.why import why as find_out
from adserver.serving.request import BUILT_IN, Pages, context_of, gather
from adserver.serving.request import known as is_known

if TYPE_CHECKING:
    from adserver.wiring.control import ControlPlane


@click.command()
@click.argument("slot")
@click.argument("facts", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--campaign", default="", help="this campaign only")
@click.option("--at", default="", help="date or time of the site's zone instead of now")
@click.option("--draw", is_flag=True, help="draw as a page does, instead of naming the likeliest")
@common
@click.pass_context
def why(  # noqa: PLR0913 - one parameter an option
    context: click.Context, slot: str, facts: tuple[str, ...], campaign: str, at: str, draw: bool
) -> None:
    """Say why SLOT shows what it shows, for a page of which KEY=VALUE is known.

    Keys: url, lang, country, device (desktop or mobile), exclude (campaigns already on the page),
    capped (campaigns that this browser has seen as often as their frequency allows), and those
    that site.yaml declares. Several values repeat the key or use commas.
    """
    invocation = context.ensure_object(Invocation)
    known = read_facts(facts)
    with invocation.control_plane(invocation.settings(), existing=True) as plane:
        live = live_of(plane)
        catalog = live.catalog
        pauses = tuple(plane.pauses.known())
        question = Question(
            slot=slot,
            context=read_context(known, catalog),
            at=moment(at, catalog, invocation.now()),
            # A page's draw decides about advertising; it guards nothing.
            draw=random.random() if draw else None,  # noqa: S311
            campaign=campaign,
            pauses=pauses,
        )
        served = paused(live, stopped_by(catalog, pauses, question.at))
        delivered = how_far(plane, served, question.at, invocation.now())
    answer = find_out(live, question, delivered)
    if answer.absent:
        output.complain(f"Error: {answer.absent}.")
        context.exit(PROBLEMS)
    moment_text = moments.iso(question.at, zone(catalog.site.timezone))
    if invocation.as_json:
        output.answer(as_json(slot, moment_text, answer.candidates))
    else:
        show(slot, moment_text, question, answer.candidates)


def how_far(plane: ControlPlane, live: Generation, at: float, now: float) -> Delivery:
    """Nothing is counted where nobody has a limit."""
    if not any(limits_of(campaign) for campaign in live.catalog.campaigns):
        return NOTHING_DELIVERED
    totals = plane.totals
    by_unit = delivered_by_unit(totals.numbers(), totals.delivered())
    return delivery(live, by_unit, plane.leases, plane.traffic, plane.samples, at, now)


def read_facts(facts: Sequence[str]) -> list[tuple[str, str]]:
    for fact in facts:
        if "=" not in fact:
            raise click.UsageError(f"{fact!r} is not KEY=VALUE")
    return [(key, value) for key, _, value in (fact.partition("=") for fact in facts)]


def read_context(facts: Sequence[tuple[str, str]], catalog: Catalog) -> Context:
    """As the server reads it from a page's query; what it ignores is named."""
    pages = Pages.of(catalog)
    query, ignored = gather(facts)
    keys = (*sorted(BUILT_IN), *pages.declared)
    for key in query:
        if not is_known(key, pages):
            output.complain(f"Warning: {key!r} is ignored; keys are {', '.join(keys)}.")
    for device in query.get("device", ()):
        if device not in set(Device):
            raise click.UsageError(f"device={device}: a device is {' or '.join(Device)}")
    for warning in undeclared(query, catalog):
        output.complain(f"Warning: {warning}")
    context = context_of(query, {}, pages, ignored)
    for reason in sorted(set(ignored) - {"undeclared_key", "undeclared_value"}):
        output.complain(f"Warning: some values are ignored: {reason}.")
    return context._replace(capped=capped(context.capped, catalog))


def undeclared(query: Mapping[str, list[str]], catalog: Catalog) -> Iterator[str]:
    """Each value that its key does not have, and those that it has."""
    for key in catalog.site.context:
        allowed = set(map(fold, key.one_of))
        for value in query.get(key.name, ()) if allowed else ():
            if fold(value) not in allowed:
                meant = nearest_or_all(value, key.one_of, "there are")
                yield f"{key.name}={value} is ignored, as site.yaml does not declare it: {meant}"


def capped(names: frozenset[str], catalog: Catalog) -> frozenset[str]:
    """The names of campaigns that can be capped; the others are named and ignored, as of a page."""
    cappable = {one.name for one in catalog.campaigns if one.frequency}
    for name in sorted(names - cappable):
        output.complain(
            f"Warning: capped={name} is ignored: no live campaign of that name has `frequency`."
        )
    return names & cappable


def moment(text: str, catalog: Catalog, now: float) -> float:
    if not text:
        return now
    try:
        return moments.read_moment(text, zone(catalog.site.timezone))
    except ValueError as error:
        raise click.UsageError(f"--at: {error}") from error


def as_json(slot: str, at: str, candidates: Sequence[Candidate]) -> dict[str, Any]:
    return {
        "slot": slot,
        "at": at,
        "candidates": [
            {
                "campaign": one.campaign,
                "tier": one.tier,
                "reason": one.reason,
                "detail": one.detail,
                "probability": round(one.probability, 6),
            }
            for one in candidates
        ],
    }


def show(slot: str, at: str, question: Question, candidates: Sequence[Candidate]) -> None:
    output.say(f"{slot} on {question.context.device} at {at}")
    if not candidates:
        output.say("No campaign is booked here: no_campaign.")
        return
    rows = [
        (one.campaign, one.tier, one.reason, f"{one.probability:.1%}", one.detail)
        for one in candidates
    ]
    headings = ("campaign", "tier", "reason", "probability", "detail")
    output.table(headings, rows, numbers=("probability",))
