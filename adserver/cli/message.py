"""`-m`: why something is done, in one line, for whoever reads of it later."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import click

from adserver.cli.options import Decorated
from adserver.publishing.signs import NOT_OF_A_LINE, one_line

FROM_INPUT = "-"

# Controls have no names of their own.
NAMES = {"\n": "a line break", "\r": "a line break", "\t": "a tab", "\x1b": "an escape"}


def message_option(told: str) -> Callable[[Decorated], Decorated]:
    """told: its help."""
    return click.option("-m", "--message", default="", help=told, callback=checked)


def checked(_: click.Context, __: click.Parameter, message: str) -> str:
    """UsageError for what would end the line, move the terminal or show other words.

    "-" is the first line of the standard input. A commit's subject comes so, which nobody can
    write anew: it is taken as it is, with escapes for such signs.
    """
    if message == FROM_INPUT:
        said = sys.stdin.buffer.readline().decode("utf-8", "replace")
        text = one_line(said.replace("\t", " ").removeprefix("\ufeff").strip())
        return "" if text == FROM_INPUT else text  # it may be said again, on another machine
    if found := NOT_OF_A_LINE.search(message):
        sign = found[0]
        name = NAMES.get(sign) or unicodedata.name(sign, "a control character").lower()
        raise click.UsageError(
            "-m: one line, without control characters; "
            f"character {found.start() + 1} is U+{ord(sign):04X} ({name})"
        )
    return message
