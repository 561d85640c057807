"""`adserver store restore`: a backup becomes what the store holds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from adserver.cli import output
from adserver.cli.failures import USAGE
from adserver.cli.options import Invocation, common
from adserver.cli.store.confirm import agreed


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="what the store holds is removed first")
@click.option("--drained", is_flag=True, help="no node's journal holds what its store had not got")
@common
@click.pass_context
def restore(context: click.Context, file: Path, replace: bool, drained: bool) -> None:
    """Put the backup FILE into the store; no node may be running.

    A store that holds anything is refused without --replace.
    """
    from adserver.wiring.transfer import Wish
    from adserver.wiring.transfer import restore as put

    invocation = context.ensure_object(Invocation)
    settings = invocation.settings()
    question = f"Remove all that the store holds of {settings.namespace!r}, and put {file} there?"
    if replace and not agreed(invocation, question):
        context.exit(USAGE)
    head, done = put(settings, file, Wish(replace, drained), invocation.now())
    if invocation.as_json:
        answer = {"keys": done.keys, "made_at": head.made_at, "release": head.release}
        output.answer(answer | {"seconds": round(done.seconds, 3)})
    else:
        made = f"{datetime.fromtimestamp(head.made_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
        output.say(f"The store is as it was at {made}: {done.keys:,} keys in {done.seconds:.1f} s.")
