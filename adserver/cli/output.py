"""What the commands say, and the only place that prints.

Answers go to stdout, complaints to stderr. Tables are drawn on a terminal and are plain
columns elsewhere, so that `grep` and `awk` work; nothing is ever read as markup.
"""

from __future__ import annotations

import csv as csv_module
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
import orjson
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from adserver.publishing.signs import one_line, printable

# What makes a spreadsheet compute a cell instead of showing it (OWASP, CSV injection): a sign, also
# a full-width one, behind white space and what is not seen. A spreadsheet that separates by `;`
# reads one cell of ours as two, so a cell begins behind a separator as well.
SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫"
UNSEEN = r"\s\x00-\x1f\u200b-\u200f\u2060\ufeff"
FORMULA = re.compile(rf"(^|[;\t\r\n])(?=[{UNSEEN}]*[{SIGNS}])")
SEEN_AS_START = ("\t", "\r")

Rows = Sequence[Sequence[object]]


def say(text: str = "") -> None:
    click.echo(printable(text))


# What becomes of a thing is said by the first character of its line, and in colour where there is
# any: on a terminal, unless NO_COLOR is set.
COLOURS = {
    "+": "green",
    "~": "yellow",
    "-": "red",
    ">": "cyan",
    "*": "magenta",
    "!": "bold yellow",
    "x": "bold red",
    "=": "dim",
    "?": "cyan",
}


def marked(lines: Iterable[str]) -> None:
    """Lines that begin with a sign, as a plan's do."""
    lines = map(one_line, lines)
    if not sys.stdout.isatty():
        for line in lines:
            click.echo(line)
        return
    console = Console()
    for line in lines:
        colour = COLOURS.get(line[:1], "") if line[1:2] == " " else ""
        console.print(Text(line, style=colour), soft_wrap=True)


def complain(text: str) -> None:
    click.echo(printable(text), err=True)


def answer(value: Any) -> None:
    """JSON, indented for people, in the order in which it was made."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def table(headings: Sequence[str], rows: Rows, *, numbers: Sequence[str] = ()) -> None:
    """numbers: the headings whose columns are set to the right."""
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        drawn_table(headings, cells, numbers)
    else:
        plain_table(headings, cells, numbers)


def size() -> tuple[int, int]:
    """Columns and lines of the terminal."""
    console = Console()
    return console.width, console.height


def draw(what: RenderableType) -> None:
    Console().print(what)


@contextmanager
def screen() -> Iterator[Callable[..., None]]:
    """The terminal as a whole, given back as it was: what is called with something to draw shows
    that instead of what it has shown before."""
    with Live(console=Console(), screen=True, auto_refresh=False) as live:

        def show(*parts: RenderableType) -> None:
            live.update(Group(*parts), refresh=True)

        yield show


def drawn_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]
) -> None:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        drawn.add_column(heading, justify="right" if heading in numbers else "left")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def plain_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]
) -> None:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        cells = (
            cell.rjust(width) if heading in numbers else cell.ljust(width)
            for heading, cell, width in zip(headings, row, widths, strict=True)
        )
        click.echo("  ".join(cells).rstrip())


def can_ask() -> bool:
    return sys.stdin.isatty()


def ask(question: str) -> bool:
    """A yes or no from the terminal; on stderr, as the answer on stdout may be a file."""
    if can_ask():
        return click.confirm(question, err=True)
    # Somebody answers from another machine; nothing must get into what goes to stdout.
    click.echo(f"{question} [y/N]: ", nl=False, err=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """RFC 4180 with plain line ends; no cell can be taken for a formula by a spreadsheet."""
    text = io.StringIO()
    writer = csv_module.writer(text, lineterminator="\n")
    writer.writerows([defused(cell) for cell in row] for row in (headings, *rows))
    click.echo(text.getvalue(), nl=False)


def defused(cell: object) -> object:
    """Numbers are what they are; of texts, an apostrophe says to a spreadsheet that they are."""
    if not isinstance(cell, str):
        return cell
    quoted = FORMULA.sub(r"\1'", cell)
    return f"'{cell}" if quoted == cell and cell.startswith(SEEN_AS_START) else quoted
