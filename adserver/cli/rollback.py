"""`adserver rollback`: what was live before is live again, as a new generation."""

from __future__ import annotations

import click

from adserver.cli import author, output
from adserver.cli.apply import Answer, go_live, tell
from adserver.cli.failures import PROBLEMS, moment, unchanged
from adserver.cli.message import message_option
from adserver.cli.options import Invocation, common
from adserver.cli.planning import known_of, mark_of, marked, refuse, remember
from adserver.core.catalog import Generation
from adserver.core.errors import CatalogError
from adserver.core.ports.commands import Catalogs
from adserver.core.publication import Content, Entry
from adserver.publishing.history import kept
from adserver.publishing.planning import plan_of
from adserver.publishing.rollback import go_back, left_behind

STILL_DIFFERS = "Your folder still differs: `adserver export` writes into it what is live."


@click.command()
@click.argument("number", required=False, type=click.IntRange(1), metavar="[N]")
@click.option("--campaign", default="", metavar="NAME", help="go back for this campaign alone")
@click.option("--remove-slot", is_flag=True, help="let slots go that pages still ask for")
@message_option("what this is about, kept in the history")
@click.option("--wait", is_flag=True, help="until every node serves it")
@common
@click.pass_context
def rollback(  # noqa: PLR0913 - its options
    context: click.Context,
    number: int | None,
    campaign: str,
    remove_slot: bool,
    message: str,
    wait: bool,
) -> None:
    """Make what generation N had live again; without N, the one before the live one.

    Shows what would change and asks. It becomes a new generation; what was counted stays.
    """
    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    with (
        unchanged("Nothing became live."),
        invocation.control_plane(settings, existing=True) as plane,
    ):
        found = plane.catalogs.live()
        if found is None:
            output.complain("Nothing is live yet, so there is nothing to go back to.")
            context.exit(PROBLEMS)
        live, number = found[0], whence(found[0], number)
        mark = mark_of(settings, plane, found[1])
        to, published = kept(plane.catalogs, number)
        entry = Entry(invocation.author or author.name(), message, kind="rollback", of=number)
        try:
            proposal, content = go_back(live, to, campaign, invocation.now())
            known = known_of(invocation, plane, live)
            besides = left_behind(live, to, campaign)
            made = plan_of(proposal, known, remove_slots=remove_slot, besides=besides)
            answer = Answer(made, generation=proposal.expected)
            tell(invocation, f"Back to generation {number}, of {moment(published.created_at)}:")
            code = back(invocation, answer, content, plane.catalogs, entry, wait)
        except CatalogError as error:
            refuse(invocation, error, {})
            output.complain("Nothing was changed: what is live stays live.")
            context.exit(PROBLEMS)
        if answer.applied:
            remember(settings.config, marked(mark, answer.published))
    if invocation.as_json:
        output.answer(answer.as_json())
    context.exit(code)


def whence(live: Generation, number: int | None) -> int:
    """The number to go back to."""
    if number is None and live.number == 1:
        raise click.UsageError("there is no generation before 1, which is live")
    return number or live.number - 1


def back(  # noqa: PLR0913 - the journey of one rollback
    invocation: Invocation,
    answer: Answer,
    content: Content,
    catalogs: Catalogs,
    entry: Entry,
    wait: bool,
) -> int:
    if answer.planned.proposal.plan.empty:
        tell(invocation, f"Nothing to do: what is live says the same as generation {entry.of}.")
        return 0
    code = go_live(invocation, answer, content, catalogs, entry, wait)
    if answer.applied:
        tell(invocation, STILL_DIFFERS)
    return code
