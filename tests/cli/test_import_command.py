"""`adserver import csv`: all of a spreadsheet or nothing, and nothing over what is there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson
import pytest

from adserver.publishing.read import read_folder
from tests.cli.command import adserver
from tests.servers import command_line

GOOD = """\
name,advertiser,tier,slots,link,creative.headline
quay,Harbour Coffee,remnant,home-top;post-top,https://coffee.example/,Roasted this morning
tea,Tea House,remnant,post-top,https://tea.example/,Every Sunday
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert adserver("init", tmp_path / "config").exit_code == 0
    return tmp_path / "config"


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    sheet = tmp_path / "orders.csv"
    sheet.write_text(GOOD, "utf-8")
    return sheet


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "campaigns").iterdir()}


def test_each_campaign_has_its_file_and_the_folder_is_good(folder: Path, sheet: Path) -> None:
    result = adserver("import", "csv", sheet, "--config", folder)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"wrote {folder}/campaigns/quay.yaml",
        f"wrote {folder}/campaigns/tea.yaml",
        "2 rows read, 2 campaigns",
    ]
    reading = read_folder(folder)
    assert reading.problems == ()
    assert reading.catalog is not None
    assert [one.name for one in reading.catalog.campaigns] == ["house", "quay", "tea"]


def test_a_dry_run_says_what_would_be_and_writes_nothing(folder: Path, sheet: Path) -> None:
    before = files(folder)
    result = adserver("import", "csv", sheet, "--dry-run", "--config", folder)
    assert f"would write {folder}/campaigns/quay.yaml" in result.stdout
    assert files(folder) == before


def test_one_problem_is_enough_to_write_nothing(folder: Path, sheet: Path) -> None:
    before = files(folder)
    sheet.write_text(GOOD.replace("Tea House,remnant", "Tea House,remnand"), "utf-8")
    result = adserver("import", "csv", sheet, "--config", folder)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{sheet}:3:3: error: column C `tier`: expected sponsorship, standard, remnant or house, "
        "found `remnand`",
        "    hint: did you mean `remnant`?",
        "    docs: campaigns.md#a-campaign",
        "1 problem in 1 file; 2 rows read",
        "Nothing was written.",
    ]
    assert files(folder) == before


def test_of_many_problems_the_first_are_shown_and_the_others_counted(
    folder: Path, sheet: Path
) -> None:
    rows = [f"q{n},Coffee,remnand,post-tap,https://coffee.example/,Roasted" for n in range(70)]
    sheet.write_text("\n".join([GOOD.splitlines()[0], *rows]), "utf-8")
    lines = adserver("import", "csv", sheet, "--config", folder).stderr.splitlines()
    assert sum(": error: " in line for line in lines) == 100
    assert lines[-3:] == [
        "… and 40 more: 20 wrong value, 20 unknown slot. `--format json` has all.",
        "140 problems in 1 file; 70 rows read",
        "Nothing was written.",
    ]
    github = adserver("import", "csv", sheet, "--config", folder, "--format", "github").output
    assert github.count("::error ") == 140


def test_nothing_is_overwritten_without_being_told_to(folder: Path, sheet: Path) -> None:
    assert adserver("import", "csv", sheet, "--config", folder).exit_code == 0
    before = files(folder)
    again = adserver("import", "csv", sheet, "--config", folder)
    assert again.exit_code == 0
    assert f"{folder}/campaigns/quay.yaml says all of it already" in again.stdout
    sheet.write_text(GOOD.replace("Roasted", "Ground").replace("tea,", "new,"), "utf-8")
    refused = adserver("import", "csv", sheet, "--config", folder)
    assert refused.exit_code == 1
    assert "campaigns/quay.yaml is there already, and differs." in refused.stderr
    assert files(folder) == before
    result = adserver("import", "csv", sheet, "--overwrite", "--config", folder)
    assert result.exit_code == 0
    assert f"overwrote {folder}/campaigns/quay.yaml" in result.stdout
    assert b"Ground this morning" in files(folder)["quay.yaml"]
    assert {*files(folder)} == {"house.yaml", "quay.yaml", "tea.yaml", "new.yaml"}


def test_a_file_that_cannot_be_read_differs(folder: Path, sheet: Path) -> None:
    (folder / "campaigns" / "quay.yaml").mkdir()
    result = adserver("import", "csv", sheet, "--config", folder)
    assert result.exit_code == 1
    assert (folder / "campaigns" / "quay.yaml").is_dir()


def test_the_template_can_be_imported(folder: Path, tmp_path: Path) -> None:
    template = adserver("import", "csv", "--template").stdout
    (tmp_path / "orders.csv").write_text(template, "utf-8")
    result = adserver("import", "csv", tmp_path / "orders.csv", "--config", folder)
    assert result.exit_code == 0, result.stderr
    assert adserver("validate", "--config", folder).stdout == "no problems; 2 campaigns read\n"


def test_the_template_as_json() -> None:
    answer = orjson.loads(adserver("import", "csv", "--template", "--format", "json").stdout)
    assert answer["columns"][0] == "name"
    assert set(answer["example"]) == set(answer["columns"])


def test_the_answer_as_json(folder: Path, sheet: Path) -> None:
    words = ("import", "csv", sheet, "--config", folder, "--format", "json")
    answer = orjson.loads(adserver(*words).stdout)
    assert answer == {
        "problems": [],
        "written": ["campaigns/quay.yaml", "campaigns/tea.yaml"],
        "overwritten": [],
        "unchanged": [],
    }
    sheet.write_text(GOOD.replace("Roasted", "Ground"), "utf-8")
    refused = adserver(*words)
    assert (refused.exit_code, orjson.loads(refused.stdout)["written"]) == (1, [])
    sheet.write_text(GOOD.replace("remnant", "x"), "utf-8")
    wrong = adserver(*words)
    assert wrong.exit_code == 1
    first = orjson.loads(wrong.stdout)["problems"][0]
    assert (first["file"], first["line"], first["column"]) == (str(sheet), 2, 3)


def test_without_a_file_it_says_what_to_do() -> None:
    result = adserver("import", "csv")
    assert result.exit_code == 2
    assert "--template" in result.stderr


def test_a_file_that_is_not_there(folder: Path) -> None:
    result = adserver("import", "csv", folder / "nothing.csv")
    assert result.exit_code == 2
    assert "nothing.csv cannot be read: No such file or directory" in result.stderr


def test_what_is_piped_in_is_read(folder: Path) -> None:
    done = subprocess.run(
        command_line("import", "csv", "-", "--dry-run", "--config", folder),
        input=GOOD.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"2 rows read, 2 campaigns" in done.stdout


def test_days_may_be_said(folder: Path, sheet: Path) -> None:
    text = GOOD.replace("headline\n", "headline,flight.first_day\n").replace(
        "morning\n", "morning,02/11/2026\n"
    )
    sheet.write_text(text, "utf-8")
    assert adserver("import", "csv", sheet, "--config", folder).exit_code == 1
    assert adserver("import", "csv", sheet, "--dates", "mdy", "--config", folder).exit_code == 0
    assert b"first_day: 2026-02-11" in files(folder)["quay.yaml"]
