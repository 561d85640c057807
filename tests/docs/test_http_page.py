"""docs/http.md has a line for every route of the public port, with its methods."""

from __future__ import annotations

from adserver.serving.app import ROUTES
from tests.docs.pages import page, rows, section


def test_every_route_has_its_line_with_its_methods() -> None:
    lines = [line for line in rows(section(page("http.md"), "## Public port")) if line[0][0] == "/"]
    shown = {line[0][1:].partition("/")[0]: set(line[1].split(", ")) for line in lines}
    assert shown == {name: set(methods) for name, (_, methods, _) in ROUTES.items()}
