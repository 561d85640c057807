"""`adserver apply`: the folder becomes what is live, after a look at the plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import click

from adserver.cli import author, output
from adserver.cli.failures import PROBLEMS, USAGE, unchanged
from adserver.cli.message import message_option
from adserver.cli.options import Invocation, common
from adserver.cli.planning import (
    as_json,
    known_of,
    mark_of,
    marked,
    refuse,
    refuse_effects,
    refuse_moved,
    remember,
    show,
    show_warnings,
)
from adserver.cli.portable import Portable
from adserver.cli.reading import read_files
from adserver.core.errors import CatalogError, StoreUnavailable
from adserver.core.ports.commands import Catalogs
from adserver.core.publication import Content, Entry, Published
from adserver.publishing.content import content_of
from adserver.publishing.planning import Planned, make_plan
from adserver.publishing.publish import Proposal, Wish, choose, note_commit, publish
from adserver.publishing.rollout import Arrival, Rollout, alive

# A worker looks for a new generation every second, so this adds nothing that anybody notices.
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Answer:
    """What this apply has come to, for `--format json`."""

    planned: Planned
    applied: bool = False
    generation: int = 0
    published: Published | None = None
    nodes: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "applied": self.applied,
            "generation": self.generation,
            **as_json(self.planned),
            "nodes": self.nodes,
        }


@click.command(cls=Portable)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--prune", is_flag=True, help="end live campaigns that have no file")
@click.option("--remove-slot", is_flag=True, help="let slots go that pages still ask for")
@message_option("what this is about, kept in the history")
@click.option("--wait", is_flag=True, help="until every node serves it")
@click.option(
    "--expect",
    type=click.IntRange(0),
    metavar="N",
    help="exit with 4 unless generation N is live, whatever the folder has seen",
)
@common
@click.pass_context
def apply(  # noqa: PLR0913 - its options
    context: click.Context,
    names: tuple[str, ...],
    prune: bool,
    remove_slot: bool,
    message: str,
    wait: bool,
    expect: int | None,
) -> None:
    """Make the campaign files live, or only the campaigns NAME...

    Shows what would change and asks. Nothing goes live while the files have errors, or where
    somebody else has applied since this folder's last plan.
    """
    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    wish = Wish(settings.config, names, prune)
    reading = read_files(invocation)
    try:
        choose(reading, wish)
        with unchanged("Nothing became live."), invocation.control_plane(settings) as plane:
            live, published = plane.catalogs.live() or (None, None)
            mark = mark_of(settings, plane, published)
            refuse_moved(settings.config, mark, expect, published)
            known = known_of(invocation, plane, live)
            made = make_plan(reading, wish, known, remove_slots=remove_slot)
            show_warnings(invocation, made, reading)
            answer = Answer(made, generation=made.proposal.expected)
            content = content_of(reading, live, made.proposal.catalog, wish)
            entry = author.entry_of(invocation, settings.config, message)
            code = go_live(invocation, answer, content, plane.catalogs, entry, wait)
            if made.proposal.plan.empty:
                note_commit(made.proposal, wish, plane.catalogs, entry.commit, published)
            if answer.applied or made.proposal.plan.empty:
                remember(settings.config, marked(mark, answer.published))
    except CatalogError as error:
        refuse(invocation, error, reading.sources)
        output.complain("Nothing was applied: what is live stays live.")
        context.exit(PROBLEMS)
    if invocation.as_json:
        output.answer(answer.as_json())
    context.exit(code)


def go_live(  # noqa: PLR0913 - the journey of one apply
    invocation: Invocation,
    answer: Answer,
    content: Content,
    catalogs: Catalogs,
    entry: Entry,
    wait: bool,
) -> int:
    """Show, ask, publish, wait; the exit code."""
    proposal = answer.planned.proposal
    show(invocation, answer.planned)
    refuse_effects(answer.planned)
    if proposal.plan.empty:
        tell(invocation, f"Nothing to do: generation {answer.generation} is what the files say.")
        return 0
    if not agreed(invocation, proposal):
        return USAGE
    published = publish(proposal, content, catalogs, entry)
    answer.applied, answer.generation, answer.published = True, published.number, published
    tell(invocation, f"Generation {published.number} is live.")
    if wait:
        return wait_for_nodes(invocation, answer, catalogs)
    with suppress(StoreUnavailable):  # it is live, whatever else the store does not say
        if not alive(catalogs.nodes(), invocation.now()):
            tell(invocation, "No node is running: `adserver serve` serves it.")
    return 0


def tell(invocation: Invocation, line: str) -> None:
    if not invocation.as_json:
        output.say(line)


def agreed(invocation: Invocation, proposal: Proposal) -> bool:
    if invocation.confirmed:
        return True
    if not (output.can_ask() or invocation.answers_follow):
        output.complain("Nothing was applied: there is nobody to ask here; say --yes to apply.")
        return False
    if output.ask(f"Make this generation {proposal.expected + 1}?"):
        return True
    output.complain("Nothing was applied.")
    return False


def wait_for_nodes(invocation: Invocation, answer: Answer, catalogs: Catalogs) -> int:
    """Until every node that is there serves the new generation; 1 if one does not in time, or the
    store does not say."""
    rollout = Rollout(answer.generation)
    begun = time.monotonic()
    while True:
        elapsed = time.monotonic() - begun
        try:
            nodes = catalogs.nodes()
        except StoreUnavailable as error:
            if elapsed > invocation.wait_limit_seconds:
                output.complain(f"It is not known which nodes serve it: {error}.")
                return PROBLEMS
            time.sleep(POLL_SECONDS)
            continue
        arrived = rollout.look(nodes, invocation.now(), elapsed)
        for arrival in arrived:
            tell(
                invocation,
                f"  {arrival.node} serves generation {arrival.generation} after "
                f"{arrival.seconds:.1f} s",
            )
        answer.nodes += arrivals(arrived)
        if not rollout.behind or elapsed > invocation.wait_limit_seconds:
            return conclude(invocation, rollout, elapsed)
        time.sleep(POLL_SECONDS)


def arrivals(arrived: Sequence[Arrival]) -> list[dict[str, Any]]:
    return [
        {"node": one.node, "generation": one.generation, "seconds": round(one.seconds, 3)}
        for one in arrived
    ]


def conclude(invocation: Invocation, rollout: Rollout, elapsed: float) -> int:
    for node in rollout.behind:
        output.complain(
            f"{node.name} still serves generation {node.generation} after {elapsed:.0f} s."
        )
    if not rollout.behind and not rollout.arrived:
        tell(invocation, "  no node is running")
    return PROBLEMS if rollout.behind else 0
