"""`adserver status`: what is live, how it is doing, and which nodes serve it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from adserver.cli import output
from adserver.cli.options import Invocation, common
from adserver.core.bought import delivered_by_unit
from adserver.core.ports import NodeState, Published
from adserver.publishing.outlook import outlooks
from adserver.publishing.rollout import alive
from adserver.publishing.status import SlotStatus, Status
from adserver.publishing.status import status as make_status

DAY_SECONDS = 86_400
# The hour that has just begun on a node whose clock is a little ahead counts too.
AHEAD_SECONDS = 3_600


@click.command()
@common
@click.pass_context
def status(context: click.Context) -> None:
    """Show what is live and how it is doing."""
    invocation = context.ensure_object(Invocation)
    now = invocation.now()
    with invocation.control_plane(invocation.settings()) as plane:
        live = plane.catalogs.live()
        nodes = alive(plane.catalogs.nodes(), now)
        made = Status(generation=0)
        if live:
            totals = plane.totals
            day = totals.rows(now - DAY_SECONDS, now + AHEAD_SECONDS)
            by_unit = delivered_by_unit(totals.numbers(), totals.delivered())
            expected = outlooks(live[0], by_unit, plane.traffic, plane.samples, now)
            made = make_status(live[0], by_unit, expected, day, now)
    if invocation.as_json:
        output.answer(asdict(made))
    else:
        show(made, live[1] if live else None, nodes, now)


def show(made: Status, published: Published | None, nodes: Sequence[NodeState], now: float) -> None:
    if published is None:
        output.say("Nothing is live yet: `adserver apply` makes the campaign files live.")
    else:
        output.say(headline(published, now))
        output.say()
        show_campaigns(made)
        output.say()
        show_slots(made.slots)
    output.say()
    show_nodes(nodes, made.generation)


def headline(published: Published, now: float) -> str:
    message = f": {published.message}" if published.message else ""
    ago = span(max(now - published.created_at, 0))
    return f"Generation {published.number}, applied {ago} ago by {published.author}{message}"


def span(seconds: float) -> str:
    for size, unit in ((DAY_SECONDS, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def show_campaigns(made: Status) -> None:
    rows = [
        (
            one.campaign,
            one.state,
            f"{one.delivered:,}",
            counted(one.expected),
            counted(one.goal),
            one.unit,
            one.verdict,
        )
        for one in made.campaigns
    ]
    headings = ("campaign", "state", "delivered", "expected", "goal", "unit", "verdict")
    output.table(headings, rows, numbers=("delivered", "expected", "goal"))


def counted(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def show_slots(slots: Sequence[SlotStatus]) -> None:
    rows = [
        (
            one.slot,
            f"{one.requests:,}",
            "" if one.fill is None else f"{one.fill:.1%}",
            ", ".join(f"{reason} {count:,}" for reason, count in one.reasons.items()),
        )
        for one in slots
    ]
    headings = ("slot (24 h)", "requests", "fill", "empty because")
    output.table(headings, rows, numbers=("requests", "fill"))


def show_nodes(nodes: Sequence[NodeState], generation: int) -> None:
    if not nodes:
        output.say("No node is running.")
        return
    rows = [
        (node.name, node.generation, "" if node.generation >= generation else "behind")
        for node in nodes
    ]
    output.table(("node", "generation", ""), rows, numbers=("generation",))
