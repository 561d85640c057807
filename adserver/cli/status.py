"""`adserver status`: what is live, how it is doing, and which nodes serve it."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import click

from adserver.cli import output
from adserver.cli.bars import signs_of
from adserver.cli.options import Invocation, common
from adserver.cli.status_view import away, view
from adserver.cli.status_words import (
    CACHED,
    Told,
    counted,
    differences,
    discards,
    empty_because,
    held_by,
    left,
    node_remark,
    percent,
    remark,
)
from adserver.core.bought import delivered_by_unit
from adserver.core.errors import StoreUnavailable
from adserver.core.nodes import differing
from adserver.core.pauses import paused, stopped_by
from adserver.publishing.delivery import rooms_of
from adserver.publishing.outlook import outlooks
from adserver.publishing.rollout import alive
from adserver.publishing.status import ROWS_SECONDS, Known, Status
from adserver.publishing.status import status as make_status

# The hour that has just begun on a node whose clock is a little ahead counts too.
AHEAD_SECONDS = 3_600
OFTEN_SECONDS = 2.0


@click.command()
@click.option(
    "--watch",
    type=click.FloatRange(1, 3_600),
    is_flag=False,
    flag_value=OFTEN_SECONDS,
    metavar="[SECONDS]",
    help=f"show it again every so often [{OFTEN_SECONDS:g}], until Ctrl-C",
)
@common
@click.pass_context
def status(context: click.Context, watch: float | None) -> None:
    """Show what is live and how it is doing."""
    invocation = context.ensure_object(Invocation)
    if watch is not None:
        if invocation.as_json or not sys.stdout.isatty():
            raise click.UsageError("--watch is for a terminal; leave it out, and ask again")
        keep_watching(invocation, watch)
        return
    told = look(invocation)
    if invocation.as_json:
        output.answer(as_data(told))
    elif sys.stdout.isatty():
        width, _ = output.size()
        output.draw(view(told, width, signs_of(sys.stdout.encoding)))
    else:
        show(told)


def look(invocation: Invocation) -> Told:
    now = invocation.now()
    with invocation.control_plane(invocation.settings(), existing=True) as plane:
        live = plane.catalogs.live()
        workers = alive(plane.catalogs.nodes(), now)
        if live is None:
            return Told(Status(generation=0), None, workers, now)
        totals, pauses = plane.totals, plane.pauses.known()
        by_unit = delivered_by_unit(totals.numbers(), totals.delivered())
        served = paused(live[0], stopped_by(live[0].catalog, pauses, now))
        known = Known(
            live[0],
            by_unit,
            outlooks(served, by_unit, plane.traffic, plane.samples, now),
            totals.rows(now - ROWS_SECONDS, now + AHEAD_SECONDS),
            pauses,
            rooms_of(live[0], by_unit, plane.leases, now),
        )
    return Told(make_status(known, now), live[1], workers, now)


def as_data(told: Told) -> dict[str, Any]:
    nodes = [
        {
            "name": one.name,
            "generation": one.generation,
            "ahead": one.ahead,
            "remark": node_remark(one, told.status.generation),
        }
        for one in told.nodes
    ]
    differs = [asdict(one) for one in differing(told.nodes)]
    return {**asdict(told.status), "nodes": nodes, "differs": differs}


def keep_watching(invocation: Invocation, seconds: float) -> None:
    """Until Ctrl-C. A store that goes away later is waited for."""
    signs = signs_of(sys.stdout.encoding)
    with suppress(KeyboardInterrupt):
        told, away_since = look(invocation), 0.0
        with output.screen() as screen:
            while True:
                width, height = output.size()
                above = [away(away_since, invocation.now())] if away_since else []
                screen(*above, view(told, width, signs, height - len(above)))
                time.sleep(seconds)
                try:
                    told, away_since = look(invocation), 0.0
                except StoreUnavailable:
                    away_since = away_since or told.now


def show(told: Told) -> None:
    """Plain columns, one line each, the first ones always the same."""
    for line in told.headline:
        output.say(line)
    if told.published is not None:
        for one in told.status.pauses:
            output.say(f"Paused: {held_by(one, told)}")
        output.say()
        show_campaigns(told)
        output.say()
        show_slots(told.status)
    output.say()
    show_nodes(told)


def show_campaigns(told: Told) -> None:
    rows = [
        (
            one.campaign,
            one.state,
            f"{one.delivered:,}",
            counted(one.expected),
            counted(one.goal),
            one.unit,
            one.verdict,
            f"{one.today:,}",
            percent(one.ctr),
            left(one),
            remark(one, told),
        )
        for one in told.status.campaigns
    ]
    headings = ("campaign", "state", "delivered", "expected", "goal", "unit", "verdict")
    more = ("today", "CTR", "left", "")
    numbers = ("delivered", "expected", "goal", "today", "CTR", "left")
    output.table((*headings, *more), rows, numbers=numbers)


def show_slots(made: Status) -> None:
    rows = [
        (
            one.slot,
            f"{one.requests:,}",
            "" if one.fill is None else f"{one.fill:.1%}",
            empty_because(one),
        )
        for one in made.slots
    ]
    headings = ("slot (24 h)", "requests", "fill", "empty because")
    output.table(headings, rows, numbers=("requests", "fill"))
    for one in made.slots:
        if one.looks_cached:
            output.say(f"{one.slot} {CACHED}")
    if said := discards(made.slots):
        output.say(said)


def show_nodes(told: Told) -> None:
    if not told.nodes:
        output.say("No node is running.")
        return
    rows = [
        (node.name, node.generation, node_remark(node, told.status.generation))
        for node in told.nodes
    ]
    output.table(("node", "generation", ""), rows, numbers=("generation",))
    for said in differences(told.nodes):
        output.say(said)
