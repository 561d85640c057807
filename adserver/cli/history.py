"""`adserver history`: who made what live, when and why; and what one generation changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from adserver.cli import output
from adserver.cli.failures import moment
from adserver.cli.live import NOTHING_LIVE
from adserver.cli.options import Invocation, common
from adserver.core.errors import NoSuchName
from adserver.core.ports.commands import Catalogs
from adserver.core.publication import Published
from adserver.publishing.history import last, tally

SHOWN = 20
# A screenful of it takes a moment; more is a matter for scripts.
MOST = 10_000
COMMIT_SHOWN = 12
MESSAGE_SHOWN = 60
LIVE = "live"
GONE = "content no longer kept"


@click.command()
@click.argument("number", required=False, type=click.IntRange(1), metavar="[N]")
@click.option(
    "--last",
    "most",
    type=click.IntRange(1, MOST),
    default=SHOWN,
    show_default=True,
    help="how many generations",
)
@common
@click.pass_context
def history(context: click.Context, number: int | None, most: int) -> None:
    """Show the last generations, or all that is known of generation N."""
    invocation = context.ensure_object(Invocation)
    with invocation.control_plane(invocation.settings()) as plane:
        if number is not None:
            show_one(invocation, plane.catalogs, number)
        else:
            show_last(invocation, plane.catalogs, most)


def show_last(invocation: Invocation, catalogs: Catalogs, most: int) -> None:
    found = catalogs.history(most)
    diffs = {one.number: catalogs.diff(one.number) for one in found}
    live = found[0].number if found else 0
    if invocation.as_json:
        output.answer({"generations": [as_json(one, live, diffs[one.number]) for one in found]})
    elif found:
        show_table(found, diffs, live)
    else:
        output.say(NOTHING_LIVE)


def show_table(found: Sequence[Published], diffs: dict[int, str], live: int) -> None:
    rows = [
        (
            one.number,
            moment(one.created_at),
            one.author,
            shortened(one.commit),
            in_one_line(one.message) or said_of(one),
            tally(diffs[one.number]),
            standing(one, live),
        )
        for one in found
    ]
    headings = ("generation", "when", "who", "commit", "message", "changes", "")
    output.table(headings, rows, numbers=("generation",))


def show_one(invocation: Invocation, catalogs: Catalogs, number: int) -> None:
    found, live = catalogs.published(number), last(catalogs)
    if found is None:
        raise NoSuchName("generation", str(number), hint=live)
    diff = catalogs.diff(number)
    if invocation.as_json:
        output.answer(as_json(found, int(live or 0), diff))
        return
    facts = {
        "when": moment(found.created_at),
        "who": found.author,
        "how": said_of(found) or found.kind,
        "commit": found.commit,
        "message": found.message,
        "state": standing(found, int(live or 0)),
    }
    output.say(f"Generation {number}")
    for name, fact in facts.items():
        if fact:
            output.say(f"  {name}: {fact}")
    output.say()
    output.say(diff or "It changed nothing.")


def said_of(one: Published) -> str:
    """How it came to be, where that was not by applying a folder."""
    if one.kind == "rollback":
        return f"back to generation {one.of}"
    return "" if one.kind == "apply" else one.kind


def standing(one: Published, live: int) -> str:
    if one.number == live:
        return LIVE
    return "" if one.kept else GONE


def shortened(commit: str) -> str:
    """As Git shows it; `+` stays: the folder had changes that were not committed."""
    name, changed = commit.removesuffix("+"), commit.endswith("+")
    return name[:COMMIT_SHOWN] + "+" * changed


def in_one_line(message: str) -> str:
    words = " ".join(message.split())
    return words if len(words) <= MESSAGE_SHOWN else f"{words[: MESSAGE_SHOWN - 1]}…"


def as_json(one: Published, live: int, diff: str) -> dict[str, Any]:
    return {
        "generation": one.number,
        "at": datetime.fromtimestamp(one.created_at, UTC).isoformat(timespec="seconds"),
        "author": one.author,
        "message": one.message,
        "commit": one.commit,
        "kind": one.kind,
        "of": one.of,
        "live": one.number == live,
        "kept": one.kept,
        "changes": tally(diff),
        "diff": diff,
    }
