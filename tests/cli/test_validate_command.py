"""`adserver validate` shows every problem with its place in the source."""

from __future__ import annotations

import string
import subprocess
import sys

import orjson
import pytest

from adserver.cli.problems import lines, summary
from adserver.core.problems import Problem, Severity
from tests.cli.command import CAMPAIGN, adserver, write_folder

TYPO = CAMPAIGN.replace("tier:", "teir:")


def test_a_good_folder_has_no_problems(tmp_path):
    result = adserver("validate", "--config", write_folder(tmp_path))
    assert result.exit_code == 0
    assert result.stdout == "no problems; 1 campaign read\n"


def test_a_problem_is_shown_with_its_place_line_caret_and_hint(tmp_path):
    folder = write_folder(tmp_path, brulerie=TYPO, good=CAMPAIGN)
    result = adserver("validate", "--config", folder)
    assert result.exit_code == 1
    told = result.stdout.splitlines()
    at = next(i for i, line in enumerate(told) if "teir" in line)
    assert told[at].startswith(f"{folder}/campaigns/brulerie.yaml:2:1: error: ")
    assert told[at + 1 : at + 5] == [
        "  | teir: remnant",
        "  | ^",
        "    hint: did you mean `tier`?",
        "    docs: campaigns.md#a-campaign",
    ]
    assert told[-1].endswith("in 1 file; 2 campaigns read")


def test_json_has_exactly_the_fields_of_a_problem(tmp_path):
    folder = write_folder(tmp_path, brulerie=TYPO)
    result = adserver("validate", "--config", folder, "--format", "json")
    assert result.exit_code == 1
    answer = orjson.loads(result.stdout)
    assert list(answer) == ["problems"]
    first = answer["problems"][0]
    assert list(first) == ["file", "line", "column", "severity", "code", "message", "hint", "docs"]
    assert first["file"] == f"{folder}/campaigns/brulerie.yaml"


def test_warnings_alone_are_fine(tmp_path):
    folder = write_folder(tmp_path)
    (folder / "campaigns" / "notes.txt").write_text("to do", encoding="utf-8")
    result = adserver("validate", "--config", folder)
    assert result.exit_code == 0
    assert "warning" in result.stdout
    assert result.stdout.endswith("1 problem in 1 file; 1 campaign read\n")


def test_a_folder_that_is_not_there_is_a_problem():
    result = adserver("validate", "--config", "nowhere")
    assert result.exit_code == 1
    assert result.stdout.startswith("nowhere: error: ")


def problem(line: int, column: int, file: str = "a.yaml", code: str = "unknown_key") -> Problem:
    return Problem(file, line, column, Severity.ERROR, code, "wrong")


def test_a_problem_of_the_file_itself_has_no_snippet():
    assert list(lines([problem(0, 0)], {"a.yaml": "x"})) == [
        "a.yaml: error: wrong",
        "    docs: campaigns.md#a-campaign",
    ]


def test_problems_are_sorted_and_told_once():
    shown = lines([problem(9, 1), problem(2, 1), problem(2, 1), problem(1, 1, "A.yaml")], {})
    places = [line.split(": ")[0] for line in shown if not line.startswith(" ")]
    assert places == ["A.yaml:1:1", "a.yaml:2:1", "a.yaml:9:1"]


def test_the_summary_counts_problems_files_and_campaigns():
    found = [problem(1, 1), problem(2, 1), problem(1, 1, "b.yaml")]
    assert summary(found, 5) == "3 problems in 2 files; 5 campaigns read"


def test_a_notice_is_no_problem():
    found = [Problem("a.yaml", 1, 1, Severity.NOTICE, "foreign_host", "leads to …")]
    assert summary(found, 1) == "no problems; 1 campaign read"


def test_nothing_is_imported_for_a_store_that_is_not_needed():
    """Each would be a tenth of a second, whenever anybody looks at a file."""
    script = "import sys, adserver.cli; print({'redis', 'starlette', 'uvicorn'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert run.stdout == "set()\n"


@pytest.mark.parametrize(
    "written",
    ["::error::x", "::stop-commands::x", "  ::warning file=a::x", "\t::x::", "##[error]x",
     "a ##[add-mask]b", "\u2003::error::x", "\x0b::error::x", "\ufeff::error::x"],
)  # fmt: skip
def test_no_line_of_a_file_is_one_that_githubs_runner_obeys(written: str) -> None:
    """It obeys lines of any program that begin with `::` behind white space, and `##[`."""
    for row, problem_of in ((written, "wrong"), ("x", written)):
        found = Problem("a.yaml", 1, 1, Severity.ERROR, "unknown_key", problem_of, hint=written)
        for line in lines([found], {"a.yaml": row}):
            assert not line.lstrip("\ufeff" + string.whitespace).strip().startswith("::"), line
            assert "##[" not in line
