"""`adserver plan`: what applying the folder would change, and what that does to delivery."""

from __future__ import annotations

import click

from adserver.cli import output
from adserver.cli.failures import PROBLEMS
from adserver.cli.options import Invocation, common
from adserver.cli.planning import (
    as_json,
    known_of,
    mark_of,
    refuse,
    refuse_effects,
    remember,
    show,
    show_warnings,
)
from adserver.cli.portable import Portable
from adserver.cli.reading import read_files
from adserver.core.errors import CatalogError
from adserver.publishing.planning import make_plan, refusals
from adserver.publishing.publish import Wish, choose


@click.command(cls=Portable)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--prune", is_flag=True, help="as if live campaigns that have no file were to end")
@click.option("--remove-slot", is_flag=True, help="as if slots may go that pages still ask for")
@common
@click.pass_context
def plan(context: click.Context, names: tuple[str, ...], prune: bool, remove_slot: bool) -> None:
    """Show what `apply` would change, or `apply NAME...`, and what that does to delivery.

    Changes nothing. The folder remembers which generation it was planned against.
    """
    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    wish = Wish(settings.config, names, prune)
    reading = read_files(invocation)
    try:
        choose(reading, wish)
        with invocation.control_plane(settings) as plane:
            live, published = plane.catalogs.live() or (None, None)
            known = known_of(invocation, plane, live)
            made = make_plan(reading, wish, known, remove_slots=remove_slot)
            remember(settings.config, mark_of(settings, plane, published))
        show_warnings(invocation, made, reading)
        show(invocation, made)
        if invocation.as_json:
            output.answer({"generation": made.proposal.expected, **as_json(made)})
        elif made.proposal.plan.empty:
            output.say(f"Nothing to do: generation {made.proposal.expected} is what the files say.")
        if invocation.as_json and refusals(made):
            context.exit(PROBLEMS)
        refuse_effects(made)
    except CatalogError as error:
        refuse(invocation, error, reading.sources)
        context.exit(PROBLEMS)
