"""Every dependency has its line of reason in docs/adr/0002-dependencies.md."""

from __future__ import annotations

import re
import tomllib

from tests.docs.pages import ROOT, page, rows, section

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PAGE = page("adr/0002-dependencies.md")


def names(requirements: list[object]) -> list[str]:
    found = [re.match(r"[\w.-]+", one) for one in requirements if isinstance(one, str)]
    return sorted(match[0] for match in found if match)


def shown(heading: str) -> list[str]:
    return sorted(line[0] for line in rows(section(PAGE, heading)))


def test_every_runtime_dependency_has_its_line() -> None:
    assert shown("## Runtime") == names(PROJECT["project"]["dependencies"])


def test_every_development_dependency_has_its_line() -> None:
    groups = PROJECT["dependency-groups"]
    assert shown("## Development") == names([*groups["build"], *groups["dev"]])
