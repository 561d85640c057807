"""Lines of the log: whatever gets into one, it is one, it is short, and it names no reader."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from adserver.logs.addresses import truncated, without_addresses, without_readers
from adserver.logs.floods import MAX_KINDS, MAX_LINES_A_SECOND, TOLD, Floods
from adserver.logs.lines import MAX_LINE_BYTES, bounded, json_line, seen

ROOT = Path(__file__).parents[1]
# Line ends of all kinds, a terminal's commands, writing turned around, halves of characters.
NASTY = "a\r\nb\x1b[2Jc\x85d\u2028e\u2029f\u202eg\u2066h\x00i\x7fj\ud800k\ufeffl\x9b1mm"
STAMP = {"timestamp": "2026-11-02T09:00:00.000000Z", "level": "error"}
# What must be in no line, as it ends it or steers what shows it.
STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def as_json(**fields: Any) -> str:
    return json_line(None, "error", {**STAMP, **fields})


def as_text(**fields: Any) -> str:
    event = bounded(None, "error", seen(None, "error", {**STAMP, **fields}))
    return str(structlog.dev.ConsoleRenderer(colors=False)(None, "error", event))


# One line

texts = st.text(st.characters(codec=None), max_size=60).map(lambda text: text * 50)
values = st.one_of(texts, st.integers(), st.none(), st.lists(st.text(max_size=20), max_size=5))


@given(event=texts, fields=st.dictionaries(st.text(min_size=1, max_size=12), values, max_size=60))
@example(NASTY, {NASTY: NASTY})
@example("x" * 100_000, {})
@example("é" * 5_000, {"a": "\U0001f600" * 5_000, "b": [NASTY] * 1_000})
@example("many", {f"k{n}": "x" * 50 for n in range(100)})
def test_whatever_is_in_an_event_it_is_a_short_line(event: str, fields: dict[str, Any]) -> None:
    given = {**fields, "event": event}
    line = as_json(**given)
    assert line.isascii()
    assert "\n" not in line
    assert len(line) < MAX_LINE_BYTES
    assert json.loads(line).keys() >= STAMP.keys()
    shown = as_text(**{k: v for k, v in given.items() if k != "exception"})
    assert not STEERS.search(shown)
    assert "\n" not in shown
    assert len(shown.encode()) < MAX_LINE_BYTES


def test_what_fits_is_written_whole() -> None:
    assert json.loads(as_json(event="é", error="x" * 1_900)) == {
        **STAMP, "event": "é", "error": "x" * 1_900
    }  # fmt: skip


def test_what_is_cut_says_so_and_how_much() -> None:
    found = json.loads(as_json(event="failed", error="é" * 10_000))
    kept, cut = re.fullmatch(r"(é+)\[\.\.\. (\d+) characters cut \.\.\.\]", found["error"]).groups()
    assert len(kept) + int(cut) == 10_000
    assert found["event"] == "failed"


def test_of_a_traceback_the_end_is_kept() -> None:
    traceback = "Traceback:\n" + "  a frame\n" * 1_000 + "ValueError: the reason"
    found = json.loads(as_json(event="failed", exception=traceback))
    assert found["exception"].startswith("[... ")
    assert found["exception"].endswith("ValueError: the reason")


def test_lines_of_a_traceback_do_not_look_like_lines_of_the_log() -> None:
    forged = f"ValueError: x\n{STAMP['timestamp']} [info     ] all_is_well\x1b[0m"
    first, *others = as_text(event="failed", exception=forged).splitlines()
    assert first.startswith(STAMP["timestamp"])
    assert others
    assert all(line.startswith("    ") for line in others)
    assert "\x1b" not in "".join(others)


# Readers


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
    ],
)
def test_of_an_address_the_network_is_left(address: str, network: str) -> None:
    assert truncated(ip_address(address)) == network
    event = {"event": "x", "whose": ip_address(address), "client": address, "error": "kept"}
    assert without_readers(None, "info", event) == {
        "event": "x", "whose": network, "client": network, "error": "kept"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("from 192.0.2.77:443, again", "from 192.0.2.0/24:443, again"),
        ("from ('192.0.2.77', 5)", "from ('192.0.2.0/24', 5)"),
        ("from [2001:db8:1:2::5]:80", "from [2001:db8:1::/48]:80"),
        ("at 12:30:45, of 3.11.7 in std::vector", "at 12:30:45, of 3.11.7 in std::vector"),
        ("999.1.1.1", "999.1.1.1"),
    ],
)
def test_addresses_are_found_in_what_others_say(text: str, left: str) -> None:
    assert without_addresses(text) == left


# Floods


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def written(floods: Floods, **event: Any) -> bool:
    try:
        floods(None, "warning", event)
    except structlog.DropEvent:
        return False
    return True


def test_of_one_kind_a_few_lines_a_second_are_written_and_the_rest_is_told() -> None:
    clock = Clock()
    floods = Floods(clock)
    flood = [written(floods, event="library", pattern="Invalid") for _ in range(1_000)]
    assert sum(flood) == MAX_LINES_A_SECOND
    assert written(floods, event="library", pattern="another")
    assert written(floods, event="library", pattern="Invalid", exc_info=(None, ValueError(), None))
    clock.now += 1.0
    event = floods(None, "warning", {"event": "library", "pattern": "Invalid"})
    assert event == {"event": "library", "left_out": 1_000 - MAX_LINES_A_SECOND}
    assert "left_out" not in floods(None, "warning", {"event": "library", "pattern": "Invalid"})


def test_a_flood_that_is_over_is_told_with_whatever_comes_next() -> None:
    clock = Clock()
    floods = Floods(clock)
    for _ in range(50):
        written(floods, event="library", pattern="Invalid")
    clock.now += 5.0
    with structlog.testing.capture_logs() as told:
        assert written(floods, event="another")
        assert written(floods, event="another")
    [line] = told
    assert (line["event"], line["kind"], line["lines"]) == (TOLD, "library Invalid", 40)
    assert written(floods, **line)


def test_kinds_that_somebody_makes_up_are_one_kind() -> None:
    floods = Floods(Clock())
    lines = sum(written(floods, event="library", pattern=str(n)) for n in range(10_000))
    assert lines == MAX_KINDS + MAX_LINES_A_SECOND


def test_errors_of_different_kinds_are_different_kinds_of_line() -> None:
    floods = Floods(Clock())
    for error in (ValueError, KeyError):
        try:
            raise error
        except error:
            lines = [written(floods, event="failed", exc_info=True) for _ in range(100)]
        assert sum(lines) == MAX_LINES_A_SECOND


# What a line is made with

OF_REQUESTS = {
    "address", "agent", "body", "client", "headers", "host", "ip", "path", "peer", "query",
    "referer", "scope", "ticket", "url",
}  # fmt: skip


def fields_of_lines(source: str) -> set[str]:
    """What `log.info(…)` and its like are given by name."""
    calls = (one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Call))
    return {
        keyword.arg or "**"
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
        for keyword in call.keywords
    }


def test_no_line_is_made_with_what_a_request_says() -> None:
    """Its address may be a ticket, and its query what a reader looks for."""
    for file in sorted((ROOT / "adserver" / "serving").rglob("*.py")):
        assert not fields_of_lines(file.read_text("utf-8")) & OF_REQUESTS, file
    assert fields_of_lines('log.exception("failed", path=scope["path"], n=1)') == {"path", "n"}


# All of it together, and what the same program writes without it

PROGRAM = """
import logging, sys
import structlog
from ipaddress import ip_address
SET_UP
log = structlog.get_logger()
nasty = sys.argv[1].encode("utf-8").decode("unicode_escape")
log.info("nasty", text=nasty)
log.info("long", text="x" * 5_000)
log.info("reader", client="192.0.2.77")
for _ in range(50):
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
logging.getLogger("asyncio").error("a %s that does not fit", 1, 2)
raise ValueError(nasty * 10)
"""
OURS = "from adserver.logs import set_up; set_up('{form}')"
STOCK = """
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
logging.basicConfig()
"""


def complaints(form: str, set_up: str) -> set[str]:
    """What is wrong with what the program writes to its standard error."""
    escaped = NASTY.encode("unicode_escape").decode()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("SET_UP", set_up), escaped],
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1
    text = done.stderr.decode("utf-8", "surrogatepass")
    lines = text.split("\n")
    found = set()
    if STEERS.search(text):
        found.add("steers")
    if form == "json" and not all(isinstance(json.loads(line), dict) for line in lines[:-1]):
        found.add("no JSON")
    if any(len(line.encode("utf-8", "surrogatepass")) >= MAX_LINE_BYTES for line in lines):
        found.add("long")
    if "192.0.2.77" in text:
        found.add("reader")
    if text.count("Invalid HTTP request received") > MAX_LINES_A_SECOND:
        found.add("flood")
    for event in ("nasty", "long", "reader", "that does not fit", "crashed", "ValueError"):
        if event not in text:
            found.add(f"no {event}")
    return found


@pytest.mark.parametrize("form", ["json", "text"])
def test_nothing_that_a_program_logs_does_harm(form: str) -> None:
    assert complaints(form, OURS.format(form=form)) == set()


def test_without_our_set_up_each_of_these_harms_is_done() -> None:
    assert complaints("text", STOCK) >= {"steers", "long", "reader", "flood"}
