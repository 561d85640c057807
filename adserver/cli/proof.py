"""`adserver report --proof FILE`: what an advertiser gets, as one document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import adserver
from adserver.cli import output
from adserver.cli.options import Invocation
from adserver.cli.store.confirm import agreed
from adserver.core.flights import zone
from adserver.core.ports.commands import Catalogs, Totals
from adserver.publishing import moments
from adserver.publishing.proof.digest import digest
from adserver.publishing.proof.evidence import Evidence, Wish, gather
from adserver.publishing.proof.language import language_of
from adserver.publishing.proof.page import page
from adserver.publishing.writing import write

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Target:
    """Where it goes: a file, or `-`. language: "" for the site's."""

    path: str
    language: str = ""

    @property
    def file(self) -> Path | None:
        return None if self.path == STDOUT else Path(self.path)


def may_write(invocation: Invocation, target: Target) -> bool:
    """Asked before anything is read. UsageError where no file can be."""
    file = target.file
    if file is None:
        if invocation.as_json:
            raise click.UsageError(
                "--proof - and --format json would both write to standard output; name a file"
            )
        return True
    if file.is_dir():
        raise click.UsageError(
            f"--proof: {file} is a folder; name a file in it, such as {file}/proof.html"
        )
    if not file.parent.is_dir():
        raise click.UsageError(f"--proof: there is no folder {file.parent}; make it first")
    return not file.exists() or agreed(invocation, f"Replace {file}?")


def prove(
    invocation: Invocation, catalogs: Catalogs, totals: Totals, wish: Wish, target: Target
) -> None:
    life = invocation.settings().ticket_life
    evidence = gather(catalogs, totals, wish, invocation.now(), life)
    language = language_of(target.language or evidence.catalog.site.language)
    document = page(evidence, catalogs, language, adserver.__version__)
    file = target.file
    if file is None:
        click.echo(document)
        return
    whole = f"{document}\n".encode()
    write(file, whole, replace=True)
    size = len(whole)
    if invocation.as_json:
        answer = {"file": str(file), "bytes": size, "language": language.code}
        output.answer(answer | {"campaigns": as_json(evidence)})
    else:
        tell(evidence, file, size)


def as_json(evidence: Evidence) -> list[dict[str, Any]]:
    tz = zone(evidence.catalog.site.timezone)

    def iso(moment: float | None) -> str | None:
        return None if moment is None else moments.iso(moment, tz)

    return [
        {
            "campaign": one.name,
            "stage": one.finality.stage.value,
            "closes": iso(one.finality.closes),
            "final": iso(one.finality.final),
            "digest": digest(one),
        }
        for one in evidence.deliveries
    ]


def tell(evidence: Evidence, file: Path, size: int) -> None:
    output.say(f"{file}: {size:,} bytes.")
    for one in as_json(evidence):
        until = f" until {one['final']}" if one["final"] else ""
        said = f"final since {one['final']}" if one["stage"] == "final" else f"provisional{until}"
        output.say(f"  {one['campaign']}: {said}, digest {one['digest'][:16]}…")
