"""The `adserver` command: one module per command or group of commands.

Exit codes: 0 fine (warnings too), 1 problems, 2 usage or confirmation missing, 3 the store is
not available, 4 live has moved since the plan.
"""

from __future__ import annotations

import click

import adserver
from adserver.cli.failures import Commands
from adserver.cli.homes import Homes
from adserver.cli.options import common

SETTINGS = {"help_option_names": ["-h", "--help"]}

HOMES = {
    "init": "adserver.cli.init:init",
    "new": "adserver.cli.new:new",
    "import": "adserver.cli.import_csv:import_group",
    "validate": "adserver.cli.validate:validate",
    "schema": "adserver.cli.schema:schema",
    "plan": "adserver.cli.plan:plan",
    "apply": "adserver.cli.apply:apply",
    "pause": "adserver.cli.pause:pause",
    "resume": "adserver.cli.pause:resume",
    "history": "adserver.cli.history:history",
    "rollback": "adserver.cli.rollback:rollback",
    "export": "adserver.cli.export:export",
    "status": "adserver.cli.status:status",
    "why": "adserver.cli.why:why",
    "available": "adserver.cli.available:available",
    "report": "adserver.cli.report:report",
    "snippet": "adserver.cli.snippet:snippet",
    "keys": "adserver.cli.keys:keys",
    "serve": "adserver.cli.serve:serve",
    "demo": "adserver.cli.serve:demo",
    "store": "adserver.cli.store:store",
}


@click.group(cls=Commands, commands=Homes(HOMES), context_settings=SETTINGS)
@click.version_option(adserver.__version__, prog_name="adserver", message="%(prog)s %(version)s")
@common
def cli() -> None:
    """Sell, place and count the ads of your own pages."""


def main() -> None:
    cli(prog_name="adserver")
