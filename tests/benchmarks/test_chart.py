"""The picture of the last run: read by people, and by browsers that must find nothing to run."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart
from benchmarks.rows import ROWS
from benchmarks.table import lines
from tests.benchmarks.measured import measured

SVG = "{http://www.w3.org/2000/svg}"
NAMES = {f"{SVG}{name}" for name in ("svg", "style", "rect", "text", "line")}
MACHINE = 'A & B <"fast">'


@pytest.fixture
def picture(tmp_path: Path) -> ET.Element:
    """Of rows that all reach the half of their references, and of which one sheds."""
    shedding = {row: 0.4 if row.name == "D" else 0.0 for row in ROWS}
    runs = {
        row: [measured(1_000 if row.against == row.name else 500, shed=shedding[row])]
        for row in ROWS
    }
    found = [line.as_json() for many in (32, 128) for line in lines(runs, 1, many)]
    (tmp_path / "last.json").write_text(json.dumps({"machine": MACHINE, "lines": found}))
    chart.draw(tmp_path / "last.json", tmp_path / "speed.svg")
    return ET.parse(tmp_path / "speed.svg").getroot()


def bars(picture: ET.Element) -> list[float]:
    kinds = {"few", "many", "other"}
    found = [one for one in picture.iter(f"{SVG}rect") if one.get("class") in kinds]
    return [float(one.attrib["width"]) for one in found if one.get("x") == str(chart.LEFT)]


def words(picture: ET.Element) -> list[str]:
    return [one.text or "" for one in picture.iter(f"{SVG}text")]


def test_it_runs_nothing_and_loads_nothing(picture: ET.Element) -> None:
    assert {one.tag for one in picture.iter()} == NAMES
    assert not [name for one in picture.iter() for name in one.attrib if name.startswith("on")]
    style = picture.find(f"{SVG}style")
    assert style is not None
    assert "url(" not in (style.text or "")


def test_bars_are_as_long_as_their_ratios(picture: ET.Element) -> None:
    half = chart.across(0.5, chart.LEAST_REACH) - chart.LEFT
    assert bars(picture) == pytest.approx([half] * 2 * len(chart.DRAWN), abs=0.1)


def test_everything_stands_inside(picture: ET.Element) -> None:
    height = float(picture.attrib["height"])
    assert all(0 < float(one.attrib["y"]) < height for one in picture.iter(f"{SVG}text"))


def test_a_row_that_shed_says_so(picture: ET.Element) -> None:
    assert words(picture).count("0.50, 40% shed") == 2


def test_signs_of_markup_are_shown_as_they_are(picture: ET.Element) -> None:
    assert MACHINE in words(picture)


def test_the_picture_in_the_docs_is_of_the_numbers_that_are_kept(tmp_path: Path) -> None:
    chart.draw(chart.LAST, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == chart.PICTURE.read_bytes()
