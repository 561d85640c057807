"""`adserver serve` and `adserver demo`: the server itself."""

from __future__ import annotations

from pathlib import Path

import click

from adserver.cli.options import Invocation, common, settings_options
from adserver.cli.output import say

DEMO_FOLDER = Path("var/demo")

server_options = settings_options(
    "host",
    "port",
    "admin_host",
    "admin_port",
    "workers",
    "public_url",
    "trusted_peers",
    "country_header",
    "country_database",
    "state",
    "secret_key_file",
    "admin_token_file",
    "admin_allow",
    "ticket_life",
    "journal_sync",
    "journal_mebibytes",
    "log_format",
)


@click.command()
@server_options
@common
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve slots, beacons and clicks until SIGTERM or Ctrl-C."""
    from adserver.wiring.run import run_server

    context.exit(run_server(context.ensure_object(Invocation).settings(), say))


@click.command()
@click.option("--traffic", is_flag=True, help="readers who come, look and click by themselves")
@server_options
@common
@click.pass_context
def demo(context: click.Context, traffic: bool) -> None:
    """Serve a small French-language blog with its ads, in a store of its own."""
    from adserver.wiring.run import run_server

    # Its own folder, so that trying things out never touches what is really served here.
    settings = context.ensure_object(Invocation).settings(
        redis=f"embedded:./{DEMO_FOLDER}", state=DEMO_FOLDER
    )
    context.exit(run_server(settings, say, demo=True, traffic=traffic))
