"""`adserver store check`: whether totals are what the rows add up to."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from adserver.cli import output
from adserver.cli.failures import PROBLEMS
from adserver.cli.options import Invocation, common
from adserver.cli.problems import count

if TYPE_CHECKING:
    from adserver.store.checking import Checked, Disagreement

WORDS = {"s": "served", "i": "impressions", "v": "viewable", "c": "clicks"}
HINT = (
    "Rows and totals are written together, so one of them was changed by another hand, or a key "
    "was evicted (maxmemory-policy must be noeviction). Reports are made of rows, metrics of "
    "totals. `adserver store restore` puts back a backup in which they agree."
)


@click.command()
@common
@click.pass_context
def check(context: click.Context) -> None:
    """Add up all rows and compare them with the totals; exit code 1 if they differ.

    It may be run while nodes serve.
    """
    from adserver.wiring.transfer import check_store

    invocation = context.ensure_object(Invocation)
    checked = check_store(invocation.settings())
    if invocation.as_json:
        output.answer({"agree": not checked.disagreements, **asdict(checked)})
    else:
        show(checked)
    context.exit(PROBLEMS if checked.disagreements else 0)


def show(checked: Checked) -> None:
    totals, hours, days = (
        count(number, noun)
        for number, noun in (
            (checked.totals, "total"),
            (checked.hours, "hour"),
            (checked.days, "day"),
        )
    )
    looked = f"{totals}, {hours} and {days}"
    if not checked.disagreements:
        output.say(f"Totals and rows agree: {looked} were added up.")
        return
    headings = ("campaign", "creative", "number", "counts", "totals say", "rows say", "shard")
    rows = [line(one) for one in checked.disagreements]
    output.table(headings, rows, numbers=("number", "totals say", "rows say", "shard"))
    output.complain(f"{len(rows):,} of {looked} do not agree. {HINT}")


def line(one: Disagreement) -> tuple[str, ...]:
    return (
        one.campaign or "(none)",
        one.creative or "(none)",
        str(one.number),
        WORDS[one.metric],
        f"{one.totals:,}",
        f"{one.rows:,}",
        str(one.shard),
    )
