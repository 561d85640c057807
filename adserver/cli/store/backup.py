"""`adserver store backup`: all that the store holds, in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from adserver.cli import output
from adserver.cli.failures import USAGE
from adserver.cli.options import Invocation, common
from adserver.cli.store.confirm import agreed


@click.command()
@click.argument("path", metavar="FILE|DIR", type=click.Path(path_type=Path))
@common
@click.pass_context
def backup(context: click.Context, path: Path) -> None:
    """Write all that the store holds into FILE, or into a new file in DIR.

    It may be run while nodes serve.
    """
    from adserver.wiring.transfer import backup as write

    invocation = context.ensure_object(Invocation)
    settings, now = invocation.settings(), invocation.now()
    file = path / name_of(settings.namespace, now) if path.is_dir() else path
    if file.exists() and not agreed(invocation, f"Replace {file}?"):
        context.exit(USAGE)
    done = write(settings, file, now)
    size = file.stat().st_size
    if invocation.as_json:
        answer = {"file": str(file), "keys": done.keys, "bytes": size}
        output.answer(answer | {"seconds": round(done.seconds, 3)})
    else:
        output.say(f"{file}: {done.keys:,} keys, {size:,} bytes, in {done.seconds:.1f} s.")


def name_of(namespace: str, now: float) -> str:
    """In the order of their names backups are in the order of time."""
    return f"adserver-{namespace}-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}.backup"
