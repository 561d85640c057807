"""The `adserver` command: one module per command or group of commands.

Exit codes: 0 fine (warnings too), 1 problems, 2 usage or confirmation missing, 3 the store is
not available, 4 live has moved since the plan.
"""

from __future__ import annotations

import click

import adserver
from adserver.cli.apply import apply
from adserver.cli.available import available
from adserver.cli.export import export
from adserver.cli.failures import Commands
from adserver.cli.history import history
from adserver.cli.import_csv import import_group
from adserver.cli.init import init
from adserver.cli.keys import keys
from adserver.cli.new import new
from adserver.cli.options import common
from adserver.cli.pause import pause, resume
from adserver.cli.plan import plan
from adserver.cli.report import report
from adserver.cli.rollback import rollback
from adserver.cli.schema import schema
from adserver.cli.serve import demo, serve
from adserver.cli.snippet import snippet
from adserver.cli.status import status
from adserver.cli.store import store
from adserver.cli.validate import validate
from adserver.cli.why import why


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(adserver.__version__, prog_name="adserver", message="%(prog)s %(version)s")
@common
def cli() -> None:
    """Sell, place and count the ads of your own pages."""


for command in (
    init,
    new,
    import_group,
    validate,
    schema,
    plan,
    apply,
    pause,
    resume,
    history,
    rollback,
    export,
    status,
    why,
    available,
    report,
    snippet,
    keys,
    serve,
    demo,
    store,
):
    cli.add_command(command)


def main() -> None:
    cli(prog_name="adserver")
