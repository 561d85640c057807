"""`adserver serve` and `adserver demo`: the server itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adserver.cli import problems
from adserver.cli.options import Invocation, common, settings_options
from adserver.cli.output import complain, say

if TYPE_CHECKING:
    from adserver.publishing.read import Reading

# Their own folders, so that trying things out never touches what is really served here.
DEMO_FOLDER = Path("var/demo")
DEV_FOLDER = Path("var/dev")

server_options = settings_options(
    "host",
    "port",
    "admin_host",
    "admin_port",
    "workers",
    "public_url",
    "trusted_peers",
    "allowed_hosts",
    "max_connections",
    "country_header",
    "country_database",
    "state",
    "secret_key_file",
    "admin_token_file",
    "admin_allow",
    "ticket_life",
    "rules",
    "internal_networks",
    "internal_agents",
    "rate_limits",
    "suspend_rules",
    "journal_sync",
    "journal_mebibytes",
    "shedding",
    "log_format",
)


@click.command()
@click.option("--dev", is_flag=True, help="for who writes: follows the folder, counts nothing")
@server_options
@common
@click.pass_context
def serve(context: click.Context, dev: bool) -> None:
    """Serve slots, beacons and clicks until SIGTERM or Ctrl-C.

    With --dev, the config folder is applied to a store of its own whenever a file is saved, its
    problems are shown, pages say why each place shows what it shows, and nothing counts.
    """
    invocation = context.ensure_object(Invocation)
    context.exit(develop(invocation) if dev else keep_serving(invocation))


def keep_serving(invocation: Invocation) -> int:
    from adserver.store.address import shown
    from adserver.wiring.run import run_server

    settings = invocation.settings()
    if "redis" in invocation.given and shown(settings.redis) != settings.redis:
        complain(
            "Warning: everybody on this machine can read the password in --redis, in the list of "
            "processes; write the address into ADSERVER_REDIS instead."
        )
    return run_server(settings, say)


def develop(invocation: Invocation) -> int:
    from adserver.wiring.dev import run_dev

    def tell(reading: Reading) -> Iterator[str]:
        return problems.lines(reading.problems, reading.sources)

    settings = invocation.settings(redis=f"embedded:./{DEV_FOLDER}", state=DEV_FOLDER)
    return run_dev(settings, say, tell, confirmed=invocation.confirmed)


@click.command()
@click.option("--traffic", is_flag=True, help="readers who come, look and click by themselves")
@server_options
@common
@click.pass_context
def demo(context: click.Context, traffic: bool) -> None:
    """Serve a small French-language blog with its ads, in a store of its own."""
    from adserver.wiring.demo import run_demo

    settings = context.ensure_object(Invocation).settings(
        redis=f"embedded:./{DEMO_FOLDER}", state=DEMO_FOLDER
    )
    context.exit(run_demo(settings, say, traffic=traffic))
