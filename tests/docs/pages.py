"""The pages of the repository as tests read them: text, headings, code and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
AT_THE_TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = (*(ROOT / name for name in AT_THE_TOP), *sorted(DOCS.rglob("*.md")))

FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. mark: what the comment in the line above it says, "" without one."""

    mark: str
    language: str
    text: str


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def blocks(text: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        yield Block(match["mark"] or "", match["language"], match["text"])


def without_blocks(text: str) -> str:
    return FENCE.sub("", text)


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank or above, without its code."""
    rank = heading.partition(" ")[0]
    _, found, rest = without_blocks(text).partition(f"\n{heading}\n")
    assert found, heading
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table's rows whose first cell is code, without its backquotes."""
    found = (line.split("|")[1:-1] for line in text.splitlines() if line[:3] == "| `")
    cells = ([cell.strip() for cell in line] for line in found)
    return [[first.strip("`"), *others] for first, *others in cells]
