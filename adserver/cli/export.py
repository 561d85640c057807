"""`adserver export`: what is live, or was, as a config folder."""

from __future__ import annotations

from pathlib import Path

import click

from adserver.cli import output
from adserver.cli.failures import PROBLEMS
from adserver.cli.options import Invocation, common
from adserver.cli.planning import mark_of, remember
from adserver.publishing.export import (
    Comparison,
    Export,
    compare,
    exported,
    not_live,
    write_into,
)
from adserver.publishing.history import kept, last

# More names than this are not read by anybody.
NAMED = 20


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@click.option("--generation", type=click.IntRange(1), metavar="N", help="not the live one, this")
@click.option("--overwrite", is_flag=True, help="also files that are there and differ")
@common
@click.pass_context
def export(
    context: click.Context, folder: Path | None, generation: int | None, overwrite: bool
) -> None:
    """Write what is live into DIR (the config folder), byte for byte as it was applied.

    Deletes nothing, and overwrites nothing that differs unless told to.
    """
    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    target = folder or settings.config
    with invocation.control_plane(settings, existing=True) as plane:
        number = generation or int(last(plane.catalogs) or 0)
        if not number:
            output.complain("Nothing is live yet, so there is nothing to export.")
            context.exit(PROBLEMS)
        found, published = kept(plane.catalogs, number)
        with exported(found, plane.catalogs.files) as made:
            code = write_out(invocation, number, made, target, overwrite)
        if not code and generation is None:
            remember(target, mark_of(settings, plane, published))
    context.exit(code)


def write_out(
    invocation: Invocation, number: int, made: Export, folder: Path, overwrite: bool
) -> int:
    compared = compare(made, folder)
    if compared.in_the_way or (compared.other and not overwrite):
        refuse(invocation, number, compared, folder)
        return PROBLEMS
    written = write_into(folder, made, compared, overwrite=overwrite)
    extra = not_live(folder, made)
    if invocation.as_json:
        output.answer(as_json(number, folder, made, compared) | {"written": written})
    else:
        output.say(f"Generation {number} is in {folder}: {counted(written, compared)}.")
        for line in remarks(folder, made, extra):
            output.complain(line)
    return PROBLEMS if made.differs else 0


def as_json(number: int, folder: Path, made: Export, compared: Comparison) -> dict[str, object]:
    return {
        "generation": number,
        "folder": str(folder),
        "same": compared.same,
        "moved": made.moved,
        "differs": made.differs,
        "not_live": not_live(folder, made),
    }


def counted(written: list[str], compared: Comparison) -> str:
    same = f", {len(compared.same):,} were there already" if compared.same else ""
    return f"{len(written):,} {'file' if len(written) == 1 else 'files'} written{same}"


def remarks(folder: Path, made: Export, extra: list[str]) -> list[str]:
    moved = [
        f"{name} names {place}, as {path} is another file of another campaign."
        for name, places in made.moved.items()
        for path, place in places.items()
    ]
    differs = [
        f"{name} reads otherwise than it is live: it was applied with another site.yaml or "
        "slots.yaml, or by another release. `adserver apply` shows what would change."
        for name in made.differs
    ]
    return [
        *moved,
        *(f"{folder / name} stays; it is not in this generation." for name in extra),
        *differs,
    ]


def refuse(invocation: Invocation, number: int, compared: Comparison, folder: Path) -> None:
    if invocation.as_json:
        output.answer(
            {
                "generation": number,
                "folder": str(folder),
                "written": [],
                "other": compared.other,
                "in_the_way": compared.in_the_way,
            }
        )
    for path, why in compared.in_the_way.items():
        output.complain(f"{folder / path} cannot be written: {why}.")
    for path in compared.other[:NAMED]:
        output.complain(f"{folder / path} differs from generation {number}.")
    if len(compared.other) > NAMED:
        output.complain(f"… and {len(compared.other) - NAMED:,} more.")
    hint = "" if compared.in_the_way else " Say --overwrite to replace these, or another DIR."
    output.complain(f"Nothing was written.{hint}")
