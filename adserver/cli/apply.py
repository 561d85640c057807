"""`adserver apply`: the folder becomes what is live, after a look at the plan."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from adserver.cli import author, output, problems
from adserver.cli.failures import PROBLEMS, USAGE
from adserver.cli.options import Invocation, common
from adserver.core.errors import CatalogError
from adserver.core.ports import Catalogs, Content, Entry
from adserver.publishing.content import content_of
from adserver.publishing.publish import (
    Proposal,
    Wish,
    choose,
    problems_of,
    propose,
    publish,
    summary,
)
from adserver.publishing.read import Reading, read_folder
from adserver.publishing.rollout import Arrival, Rollout

# A worker looks for a new generation every second, so this adds nothing that anybody notices.
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Answer:
    """What this apply has come to, for `--format json`."""

    proposal: Proposal
    applied: bool = False
    generation: int = 0
    nodes: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        plan = self.proposal.plan
        return {
            "applied": self.applied,
            "generation": self.generation,
            "created": plan.created,
            "changed": plan.changed,
            "ended": plan.ended,
            "kept": plan.kept,
            "settings": plan.settings,
            "fields": self.proposal.fields,
            "nodes": self.nodes,
        }


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--prune", is_flag=True, help="end live campaigns that have no file")
@click.option("-m", "--message", default="", help="what this is about, kept in the history")
@click.option("--wait", is_flag=True, help="until every node serves it")
@common
@click.pass_context
def apply(
    context: click.Context, names: tuple[str, ...], prune: bool, message: str, wait: bool
) -> None:
    """Make the campaign files live, or only the campaigns NAME...

    Shows what would change and asks. Nothing goes live while the files have errors.
    """
    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    wish = Wish(settings.config, names, prune)
    reading = read_folder(settings.config)
    try:
        written = choose(reading, wish)
        show_warnings(invocation, reading, wish)
        with invocation.control_plane(settings) as plane:
            live = plane.catalogs.live()
            proposal = propose(written, live[0] if live else None, wish)
            answer = Answer(proposal, generation=proposal.expected)
            content = content_of(reading, live[0] if live else None, proposal.catalog, wish)
            entry = Entry(author.name(), message)
            code = go_live(invocation, answer, content, plane.catalogs, entry, wait)
    except CatalogError as error:
        refuse(invocation, error, reading)
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
    show(invocation, answer.proposal)
    if answer.proposal.plan.empty:
        tell(invocation, f"Nothing to do: generation {answer.generation} is what the files say.")
        return 0
    if not agreed(invocation, answer.proposal):
        return USAGE
    published = publish(answer.proposal, content, catalogs, entry)
    answer.applied, answer.generation = True, published.number
    tell(invocation, f"Generation {published.number} is live.")
    return wait_for_nodes(invocation, answer, catalogs) if wait else 0


def tell(invocation: Invocation, line: str) -> None:
    if not invocation.as_json:
        output.say(line)


def show_warnings(invocation: Invocation, reading: Reading, wish: Wish) -> None:
    if not invocation.as_json:
        for line in problems.told(
            problems_of(reading, wish.only), reading.sources, invocation.form
        ):
            output.complain(line)


def refuse(invocation: Invocation, error: CatalogError, reading: Reading) -> None:
    if invocation.as_json:
        output.answer(problems.as_json(error.problems))
    else:
        for line in problems.told(error.problems, reading.sources, invocation.form):
            output.complain(line)
    output.complain("Nothing was applied: what is live stays live.")


def show(invocation: Invocation, proposal: Proposal) -> None:
    """+ created, ~ changed, - ended, * site and slots, = live without a file."""
    if invocation.as_json:
        return
    if not proposal.plan.empty:
        was = f"live is {proposal.expected}" if proposal.expected else "nothing is live yet"
        output.say(f"Plan for generation {proposal.expected + 1} ({was}):")
        for line in summary(proposal):
            output.say(f"  {line}")
    for name in proposal.plan.kept:
        if name not in proposal.plan.changed:
            output.say(f"  = {name} stays live without a file (--prune would end it)")


def agreed(invocation: Invocation, proposal: Proposal) -> bool:
    if invocation.confirmed:
        return True
    if not output.can_ask():
        output.complain("Nothing was applied: there is nobody to ask here; say --yes to apply.")
        return False
    if output.ask(f"Make this generation {proposal.expected + 1}?"):
        return True
    output.complain("Nothing was applied.")
    return False


def wait_for_nodes(invocation: Invocation, answer: Answer, catalogs: Catalogs) -> int:
    """Until every node that is there serves the new generation; 1 if one does not in time."""
    rollout = Rollout(answer.generation)
    begun = time.monotonic()
    while True:
        elapsed = time.monotonic() - begun
        arrived = rollout.look(catalogs.nodes(), invocation.now(), elapsed)
        for arrival in arrived:
            tell(invocation, f"  {arrival.node} serves it after {arrival.seconds:.1f} s")
        answer.nodes += as_json(arrived)
        if not rollout.behind or elapsed > invocation.wait_limit_seconds:
            return conclude(invocation, rollout, elapsed)
        time.sleep(POLL_SECONDS)


def as_json(arrived: Sequence[Arrival]) -> list[dict[str, Any]]:
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
