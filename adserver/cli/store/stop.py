"""`adserver store stop`: the embedded store is stopped, and keeps what it holds."""

from __future__ import annotations

import click

from adserver.cli import output
from adserver.cli.options import Invocation, common


@click.command()
@common
@click.pass_context
def stop(context: click.Context) -> None:
    """Stop the embedded store; what it holds stays."""
    from adserver.wiring.control import stop_store

    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    stopped = stop_store(settings)
    if invocation.as_json:
        output.answer({"stopped": stopped})
    elif stopped:
        output.say(f"The store of {settings.redis} is stopped; its data stays.")
    else:
        output.say(f"No store was running for {settings.redis}.")
