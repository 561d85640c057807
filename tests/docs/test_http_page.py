"""docs/http.md has a line for every route of the public port, with its methods."""

from __future__ import annotations

import re

from adserver.serving.app import ROUTES
from adserver.serving.edge import Limits
from adserver.serving.refusals import ANSWERED, Refusal
from tests.docs.pages import page, rows, section


def test_every_route_has_its_line_with_its_methods() -> None:
    lines = [line for line in rows(section(page("http.md"), "## Public port")) if line[0][0] == "/"]
    shown = {line[0][1:].partition("/")[0]: set(line[1].split(", ")) for line in lines}
    assert shown == {name: set(route.methods) for name, route in ROUTES.items()}


def test_every_reason_of_a_refusal_has_its_line_with_its_status() -> None:
    lines = rows(section(page("http.md"), "### Limits"))
    shown = {reason: answer[:3] for reason, _, answer in lines}
    assert set(shown) == set(Refusal)
    for refusal, (status, _, _) in ANSWERED.items():
        assert shown[refusal] == str(status)


def test_limits_are_those_that_are_kept() -> None:
    said = section(page("http.md"), "### Limits")
    limits = Limits()
    for number, unit in (
        (limits.head_bytes // 1024, "KiB"),
        (limits.headers, "headers"),
        (limits.body_bytes // 1024, "KiB"),
        (limits.body_raw_bytes // 1024, "KiB"),
        (limits.pipelined, "requests"),
        (limits.unparsed_bytes // 1024, "KiB"),
        (limits.reading_bytes // 1024, "KiB"),
        (limits.first_seconds, "s"),
        (limits.head_seconds, "s"),
        (limits.body_seconds, "s"),
        (limits.reading_seconds, "s"),
        (limits.next_seconds, "s"),
    ):
        assert re.search(rf"\b{number:g} {unit}\b", said), (number, unit)
