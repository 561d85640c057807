"""`adserver import csv`: a spreadsheet becomes campaign files, all of them or none."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

from adserver.cli import output, problems
from adserver.cli.failures import PROBLEMS
from adserver.cli.options import Invocation, common
from adserver.publishing.cells import DayOrder
from adserver.publishing.importing import Imported, import_csv
from adserver.publishing.spreadsheet import MAX_BYTES
from adserver.publishing.writing import write

# What `--template` prints: a row that can be imported into a folder of `adserver init`.
EXAMPLE = {
    "name": "harbour-coffee-autumn",
    "advertiser": "Harbour Coffee",
    "order": "2026-118",
    "tier": "standard",
    "flight.first_day": "2026-11-02",
    "flight.last_day": "2026-11-30",
    "goal.impressions": "120000",
    "price.cpm": "8.50",
    "slots": "home-top; post-top",
    "link": "https://coffee.example/",
    "creative.headline": "Roasted this morning",
    "creative.body": "Twenty yards from the quay.",
    "creative.cta": "See the menu",
}


@dataclass(slots=True)
class Writing:
    """What becomes of each file."""

    written: list[str] = field(default_factory=list)
    overwritten: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


@click.group("import")
def import_group() -> None:
    """Make campaign files of what other programs have."""


@import_group.command("csv")
@click.argument("file", required=False)
@click.option("--dry-run", is_flag=True, help="check everything, write nothing")
@click.option("--overwrite", is_flag=True, help="also files that are there already")
@click.option("--dates", type=click.Choice(["dmy", "mdy"]), help="what 02/11/2026 means")
@click.option("--template", is_flag=True, help="print the usual headings and a row, and end")
@common
@click.pass_context
def csv_command(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    file: str | None,
    dry_run: bool,
    overwrite: bool,
    dates: DayOrder | None,
    template: bool,
) -> None:
    """Make a campaign file of each row of the spreadsheet FILE (`-` reads what is piped in).

    The headings are the keys of campaign files, such as flight.first_day or price.cpm; lists have
    a `;` between their items. Nothing is written while there is any problem.
    """
    invocation = context.ensure_object(Invocation)
    if template:
        print_template(invocation)
        return
    if file is None:
        raise click.UsageError("which FILE? `adserver import csv --template` prints one to fill in")
    folder = invocation.settings().config
    imported = import_csv(folder, file, bytes_of(file), dates, invocation.now())
    writing = sort_out(folder, imported)
    show_problems(invocation, imported)
    if imported.failed:
        finish(invocation, imported, Writing())
        if not invocation.as_json:
            output.complain(problems.summary(imported.problems, imported.rows, "row"))
        output.complain("Nothing was written.")
        context.exit(PROBLEMS)
    if writing.overwritten and not overwrite:
        refuse_to_overwrite(writing)
        finish(invocation, imported, Writing())
        context.exit(PROBLEMS)
    if not dry_run:
        for path in (*writing.written, *writing.overwritten):
            text = imported.drafts[path].text
            write(folder / path, text, replace=path in writing.overwritten)
    show_files(invocation, folder, writing, dry_run=dry_run)
    finish(invocation, imported, writing)


def bytes_of(file: str) -> bytes:
    """At most one more than may be; who reads them says so."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with open(file, "rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}") from error


def print_template(invocation: Invocation) -> None:
    if invocation.as_json:
        output.answer({"columns": list(EXAMPLE), "example": EXAMPLE})
    else:
        output.csv(list(EXAMPLE), [list(EXAMPLE.values())])


def sort_out(folder: Path, imported: Imported) -> Writing:
    writing = Writing()
    for path, draft in imported.drafts.items():
        before = text_of(folder / path)
        if before is None:
            writing.written.append(path)
        elif before == draft.text.encode(errors="replace"):
            writing.unchanged.append(path)
        else:
            writing.overwritten.append(path)
    return writing


def text_of(path: Path) -> bytes | None:
    """None where there is nothing; what cannot be read is something else than our text."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def refuse_to_overwrite(writing: Writing) -> None:
    for path in writing.overwritten:
        output.complain(f"{path} is there already, and differs.")
    output.complain("Nothing was written. --overwrite replaces these files.")


def show_problems(invocation: Invocation, imported: Imported) -> None:
    if not invocation.as_json:
        for line in problems.shortened(imported.problems, {}, invocation.form):
            output.complain(line)


def show_files(invocation: Invocation, folder: Path, writing: Writing, *, dry_run: bool) -> None:
    if invocation.as_json:
        return
    would = "would " if dry_run else ""
    done = {
        "write" if dry_run else "wrote": writing.written,
        "overwrite" if dry_run else "overwrote": writing.overwritten,
    }
    for verb, paths in done.items():
        for path in paths:
            output.say(f"{would}{verb} {folder / path}")
    for path in writing.unchanged:
        output.say(f"{folder / path} says all of it already")


def finish(invocation: Invocation, imported: Imported, writing: Writing) -> None:
    if invocation.as_json:
        output.answer(
            {
                **problems.as_json(imported.problems),
                "written": writing.written,
                "overwritten": writing.overwritten,
                "unchanged": writing.unchanged,
            }
        )
    elif not imported.failed:
        campaigns = problems.count(len(imported.drafts), "campaign")
        output.say(f"{problems.count(imported.rows, 'row')} read, {campaigns}")
