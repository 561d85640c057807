"""`adserver store move`: another store takes over all that this one holds."""

from __future__ import annotations

import click

from adserver.cli import output
from adserver.cli.failures import USAGE
from adserver.cli.options import Invocation, common
from adserver.cli.store.confirm import agreed


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help="the store that goes")
@click.option("--to", "target", required=True, metavar="URL", help="the store that takes over")
@click.option("--replace", is_flag=True, help="what the other store holds is removed first")
@click.option("--drained", is_flag=True, help="no node's journal holds what its store had not got")
@common
@click.pass_context
def move(context: click.Context, source: str, target: str, replace: bool, drained: bool) -> None:
    """Copy one store into another, verify it, and mark the first as moved.

    No node may be running. Cut at any point it can be run again, and until its end the first
    store is the one that counts.
    """
    from adserver.store.address import shown
    from adserver.wiring.transfer import Wish
    from adserver.wiring.transfer import move as carry

    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    old, new = (settings.model_copy(update={"redis": url}) for url in (source, target))
    question = f"Remove all that {shown(target)} holds of {settings.namespace!r}?"
    if replace and not agreed(invocation, question):
        context.exit(USAGE)
    done = carry(old, new, Wish(replace, drained), invocation.now())
    if invocation.as_json:
        seconds = round(done.seconds, 3) if done else 0.0
        answer = {"moved": done is not None, "keys": done.keys if done else 0}
        output.answer(answer | {"seconds": seconds})
    elif done is None:
        output.say(f"{shown(source)} has already moved to {shown(target)}; nothing to do.")
    else:
        output.say(f"Moved and verified: {done.keys:,} keys in {done.seconds:.1f} s.")
        output.say(f"Set ADSERVER_REDIS to {shown(target)} on every node and start them.")
