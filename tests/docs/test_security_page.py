"""docs/security.md names a test for each line of what is defended, and each is there."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, page

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PAGE = page("security.md")
DEFENDED = PAGE.partition("\n## What is defended\n")[2].partition("\n## ")[0]


def lines() -> list[str]:
    """Those of the tables, without headings."""
    tables = re.findall(r"^\| attack .*\n\|---.*\n((?:\|.*\n?)+)", DEFENDED, re.MULTILINE)
    return [line for table in tables for line in table.splitlines()]


def exists(file: str, name: str) -> bool:
    path = ROOT / file
    text = path.read_text("utf-8") if path.is_file() else ""
    return bool(re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE))


def test_every_line_of_what_is_defended_names_its_test() -> None:
    assert len(lines()) > 40
    assert [line for line in lines() if not NAMED.search(line.split("|")[3])] == []


def test_every_test_that_is_named_is_there() -> None:
    assert [one for one in NAMED.findall(PAGE) if not exists(*one)] == []


def test_one_that_is_not_there_would_be_noticed() -> None:
    [this] = re.findall(
        r"def (test_one_that\w+)", (ROOT / "tests/docs/test_security_page.py").read_text()
    )
    assert exists("tests/docs/test_security_page.py", this)
    assert not exists("tests/docs/test_security_page.py", f"{this}_after_all")
    assert not exists("tests/docs/test_no_such_page.py", this)


def test_every_heading_has_its_table() -> None:
    headings = re.findall(r"^### ", DEFENDED, re.MULTILINE)
    assert DEFENDED.count("\n| attack |") == len(headings)
