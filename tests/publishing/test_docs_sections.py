"""Every problem names a section of docs/campaigns.md that is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import adserver
from adserver.core.problems import Problem, Severity
from adserver.publishing.docs_sections import (
    OF_ANY_KEY,
    OF_FILES,
    OF_KEYS,
    PAGE,
    SECTIONS,
    SURPRISES,
    docs_of,
)
from tests.docs.pages import page, rows, section, without_blocks

ROOT = Path(adserver.__file__).parent
# Where files are read; elsewhere `error` and `warning` are words of the log.
SOURCES = sorted((ROOT / "publishing").rglob("*.py"))
# What makes a problem, and which of its arguments is the code.
MAKERS = {
    "error": 1, "warning": 1, "notice": 1, "Complaint": 0, "TooMuch": 1, "Problem": 4,
    "problem": 2, "complain": 0, "warn": 1,
}  # fmt: skip
CODE = re.compile(r"[a-z]+(_[a-z0-9]+)*")


def codes_used() -> Iterator[tuple[str, str]]:
    """Each code that the source gives to a problem, and where."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
                position = MAKERS.get(name or "", len(node.args))
                for code in node.args[position : position + 1]:
                    if isinstance(code, ast.Constant) and CODE.fullmatch(str(code.value)):
                        yield str(code.value), f"{path.name}:{node.lineno}"
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
                value = getattr(node.value, "value", None)
                yield from [(value, path.name)] if isinstance(value, str) else []


def anchors() -> set[str]:
    """As GitHub makes them: lower case, spaces to hyphens, other signs left out."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(page(PAGE)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_code_of_the_source_has_its_section() -> None:
    missing = {
        code: at for code, at in codes_used() if code not in SECTIONS and code not in OF_ANY_KEY
    }
    assert missing == {}


def test_every_code_of_the_table_is_used() -> None:
    assert set(SECTIONS) - {code for code, _ in codes_used()} == set()


def test_every_section_is_there() -> None:
    named = {*SECTIONS.values(), *OF_KEYS.values(), *OF_FILES.values()}
    assert named - anchors() == set()


def test_every_surprise_has_its_line() -> None:
    lines = {line[0] for line in rows(section(page(PAGE), "### What will surprise"))}
    assert {code for code, where in SECTIONS.items() if where == SURPRISES} <= lines
    assert lines <= set(SECTIONS)


@pytest.mark.parametrize(
    ("file", "code", "message", "where"),
    [
        ("c/campaigns/a.yaml", "no_such_time", "…", "flight-and-hours"),
        ("c/campaigns/a.yaml", "wrong_value", "`goal.share`: expected a share", "goals-and-limits"),
        ("c/campaigns/a.yaml", "wrong_value", "`an item of targeting.lang`: …", "targeting"),
        ("c/campaigns/a.yaml", "unknown_key", "unknown key `creatives.a.b`", "creatives"),
        ("c/campaigns/a.yaml", "unknown_key", "unknown key `zzz`", "a-campaign"),
        ("c/campaigns/a.yaml", "missing_key", "a word is missing", "a-campaign"),
        ("c/site.yaml", "missing_key", "`timezone` is missing", "siteyaml"),
        ("c/slots.yaml", "wrong_value", "`a`: expected a mapping", "slotsyaml"),
    ],
)
def test_what_may_be_any_key_is_told_by_the_key_and_the_file(
    file: str, code: str, message: str, where: str
) -> None:
    found = Problem(file, 1, 1, Severity.ERROR, code, message)
    assert docs_of(found) == f"campaigns.md#{where}"
