"""`adserver schema`: what editors need to complete and check the files. Needs no store."""

from __future__ import annotations

from typing import cast

import click

from adserver.cli import output
from adserver.cli.options import Invocation, common
from adserver.publishing.json_schema import FOLDER, KINDS, Kind, json_schema, schema_files
from adserver.publishing.writing import write

OPENAPI = "openapi"


@click.command()
@click.argument(
    "kind",
    type=click.Choice([*KINDS, OPENAPI]),
    required=False,
    metavar="[site|slots|campaign|openapi]",
)
@click.option("--write", "to_folder", is_flag=True, help=f"into {FOLDER}/ of the config folder")
@common
@click.pass_context
def schema(context: click.Context, kind: str | None, to_folder: bool) -> None:
    """Print the JSON Schema of campaign files, or of another kind; or the OpenAPI document of the
    public port.

    With --write, put that of each kind, or of the one, where the files look for it:

    \b
    # yaml-language-server: $schema=../schemas/campaign.json
    """
    if kind == OPENAPI:
        if to_folder:
            raise click.UsageError("--write is for schemas of the files of the config folder")
        from adserver.serving.openapi import document

        output.answer(document())
    else:
        of_files(context.ensure_object(Invocation), cast("Kind | None", kind), to_folder)


def of_files(invocation: Invocation, kind: Kind | None, to_folder: bool) -> None:
    if not to_folder:
        output.answer(json_schema(kind or "campaign"))
        return
    folder = invocation.settings().config
    texts = schema_files(*((kind,) if kind else ()))
    written = [write(folder / path, text, replace=True) for path, text in texts.items()]
    if invocation.as_json:
        output.answer({"written": written})
    else:
        for path in written:
            output.say(f"wrote {path}")
