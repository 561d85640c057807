"""`adserver validate`: every problem of the campaign files in one run; needs no store."""

from __future__ import annotations

from pathlib import Path

import click

from adserver.cli import output, problems
from adserver.cli.failures import PROBLEMS
from adserver.cli.options import Invocation, common
from adserver.cli.portable import Portable
from adserver.cli.reading import read_files
from adserver.publishing.read import Reading


@click.command(cls=Portable)
@common
@click.pass_context
def validate(context: click.Context) -> None:
    """Check the campaign files and show every problem."""
    invocation = context.ensure_object(Invocation)
    folder = invocation.settings().config
    reading = read_files(invocation)
    if invocation.as_json:
        output.answer(problems.as_json(reading.problems))
    else:
        for line in problems.told(reading.problems, reading.sources, invocation.form):
            output.say(line)
        output.say(problems.summary(reading.problems, campaigns_read(reading, folder)))
    context.exit(PROBLEMS if problems.any_error(reading.problems) else 0)


def campaigns_read(reading: Reading, folder: Path) -> int:
    """Files of campaigns that were opened, good and bad."""
    return sum(Path(file).parent == folder / "campaigns" for file in reading.sources)
