"""What is live, for commands that can do nothing where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.exceptions import Exit

from adserver.cli import output
from adserver.cli.failures import PROBLEMS
from adserver.core.catalog import Generation

if TYPE_CHECKING:
    from adserver.wiring.control import ControlPlane

NOTHING_LIVE = "Nothing is live yet: `adserver apply` makes the campaign files live."


def live_of(plane: ControlPlane) -> Generation:
    """Ends the command where nothing is."""
    live = plane.catalogs.live()
    if live is None:
        output.complain(NOTHING_LIVE)
        raise Exit(PROBLEMS)
    return live[0]
