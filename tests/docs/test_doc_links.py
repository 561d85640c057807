"""Every relative link of the pages leads to a file that is there, and to a heading in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, without_blocks

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
ELSEWHERE = ("http://", "https://", "mailto:")


def anchors(path: Path) -> set[str]:
    """The anchors that Git hosts give headings: lower case, no punctuation, hyphens."""
    headings = HEADING.findall(without_blocks(path.read_text("utf-8")))
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_resolves(path: Path) -> None:
    broken = []
    for target in LINK.findall(without_blocks(path.read_text("utf-8"))):
        if target.startswith(ELSEWHERE):
            continue
        file, _, anchor = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        found = to.is_file() or (to.is_dir() and not anchor)
        if not found or (anchor and anchor not in anchors(to)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached or path.suffix != ".md":
            continue
        reached.add(path)
        targets = LINK.findall(without_blocks(path.read_text("utf-8")))
        ahead += [
            (path.parent / target.partition("#")[0]).resolve()
            for target in targets
            if not target.startswith(("#", *ELSEWHERE))
        ]
    assert set(DOCS.rglob("*.md")) - reached == set()
