"""`-m`: why something is done, in one line, for whoever reads of it later."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import click

from adserver.cli.options import Decorated
from adserver.publishing.signs import NOT_OF_A_LINE

# Controls have no names of their own.
NAMES = {"\n": "a line break", "\r": "a line break", "\t": "a tab", "\x1b": "an escape"}


def message_option(told: str) -> Callable[[Decorated], Decorated]:
    """told: its help."""
    return click.option("-m", "--message", default="", help=told, callback=checked)


def checked(_: click.Context, __: click.Parameter, message: str) -> str:
    """UsageError for what would end the line, move the terminal or show other words."""
    if found := NOT_OF_A_LINE.search(message):
        sign = found[0]
        name = NAMES.get(sign) or unicodedata.name(sign, "a control character").lower()
        raise click.UsageError(
            "-m: one line, without control characters; "
            f"character {found.start() + 1} is U+{ord(sign):04X} ({name})"
        )
    return message
