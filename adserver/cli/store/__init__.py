"""`adserver store …`: the store itself, one module a command."""

from __future__ import annotations

import click

from adserver.cli.failures import Commands
from adserver.cli.options import common
from adserver.cli.store.backup import backup
from adserver.cli.store.check import check
from adserver.cli.store.move import move
from adserver.cli.store.restore import restore
from adserver.cli.store.stop import stop


@click.group(cls=Commands)
@common
def store() -> None:
    """Look after the store: check, back up, restore, move, stop."""


for command in (check, backup, restore, move, stop):
    store.add_command(command)
