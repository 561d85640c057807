"""`adserver snippet`: text to paste, so that a page shows a slot. Needs no store."""

from __future__ import annotations

from pathlib import Path

import click

from adserver.cli import output
from adserver.cli.options import Invocation, common, settings_options
from adserver.core.catalog import Catalog
from adserver.core.errors import CatalogError
from adserver.publishing.read import read_folder
from adserver.publishing.snippet import TARGETS, addresses
from adserver.publishing.snippet import snippet as write_snippet
from adserver.publishing.unknown import no_such


@click.command()
@click.argument("name", metavar="SLOT")
@click.option("--for", "target", type=click.Choice(TARGETS), required=True, help="where it goes")
@settings_options("public_url", "host", "port")
@common
@click.pass_context
def snippet(context: click.Context, name: str, target: str) -> None:
    """Print the text to paste for SLOT."""
    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    catalog = readable(settings.config)
    slots = {slot.name: slot for slot in catalog.slots}
    if name not in slots:
        raise no_such("slot", name, slots)
    if not (settings.public_url or catalog.site.server):
        output.complain(
            "Note: without a public address the page must be of the same host as the ad server; "
            "otherwise give --public-url https://ads.example, or `server:` in site.yaml."
        )
    where = addresses(settings.public_url or catalog.site.server, settings.host, settings.port)
    text = write_snippet(target, slots[name], where)
    if invocation.as_json:
        output.answer({"slot": name, "for": target, "snippet": text})
    else:
        output.say(text.rstrip("\n"))


def readable(folder: Path) -> Catalog:
    """The folder's site and slots; campaigns with errors are no obstacle."""
    reading = read_folder(folder)
    if reading.partial is None:
        raise CatalogError(reading.problems)
    return reading.partial
