"""Problems as GitHub's runner reads them back: nothing of a message can end it or add another."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from adserver.cli.annotations import annotate
from adserver.core.problems import Problem, Severity
from tests.cli.command import CAMPAIGN, adserver, write_folder

COMMAND = re.compile(r"::(?P<kind>\w+) (?P<properties>[^:]*)::(?P<text>.*)")


def unescaped(text: str) -> str:
    """As the runner does it: the percent sign last."""
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def read_back(line: str) -> tuple[str, dict[str, str], str]:
    match = COMMAND.fullmatch(line)
    assert match, line
    pairs = (part.partition("=") for part in match["properties"].split(","))
    return match["kind"], {k: unescaped(v) for k, _, v in pairs}, unescaped(match["text"])


def problem(**changes: object) -> Problem:
    values: dict[str, object] = {
        "file": "a.yaml", "line": 3, "column": 7, "severity": Severity.ERROR,
        "code": "unknown_key", "message": "wrong", "hint": "",
    }  # fmt: skip
    return Problem(**(values | changes))  # type: ignore[arg-type]


def test_a_problem_is_an_annotation_beside_its_line() -> None:
    assert list(annotate([problem(hint="do it")])) == [
        "::error file=a.yaml,line=3,col=7,title=unknown key"
        "::wrong%0Ahint: do it%0Adocs: campaigns.md#a-campaign"
    ]


def test_a_warning_is_a_warning() -> None:
    (line,) = annotate([problem(severity=Severity.WARNING)])
    assert line.startswith("::warning ")


def test_a_problem_of_the_file_itself_has_no_line() -> None:
    (line,) = annotate([problem(line=0, column=0)])
    assert line.startswith("::error file=a.yaml,title=")


@given(
    file=st.text(min_size=1), message=st.text(), hint=st.text(min_size=1), line=st.integers(1, 9)
)
def test_whatever_is_said_comes_back_as_it_was(
    file: str, message: str, hint: str, line: int
) -> None:
    (command,) = annotate([problem(file=file, message=message, hint=hint, line=line)])
    assert "\n" not in command
    assert "\r" not in command
    kind, properties, text = read_back(command)
    assert kind == "error"
    assert properties["file"] == file
    assert properties["line"] == str(line)
    assert text.startswith(f"{message}\nhint: {hint}\ndocs: ")


def test_validate_annotates_and_still_sums_up(tmp_path) -> None:
    folder = write_folder(tmp_path, brulerie=CAMPAIGN.replace("tier:", "teir:"))
    result = adserver("validate", "--config", folder, "--format", "github")
    assert result.exit_code == 1
    first, *_, last = result.stdout.splitlines()
    assert first.startswith(f"::error file={folder}/campaigns/brulerie.yaml,line=2,col=1,")
    assert last.endswith("1 campaign read")


def test_apply_annotates_what_keeps_it_from_applying(tmp_path) -> None:
    folder = write_folder(tmp_path, brulerie=CAMPAIGN.replace("tier:", "teir:"))
    result = adserver("apply", "--config", folder, env={"ADSERVER_FORMAT": "github"})
    assert result.exit_code == 1
    assert result.stderr.startswith("::error file=")


def test_other_commands_answer_as_text(tmp_path) -> None:
    arguments = ("snippet", "post-top", "--for", "html", "--config", write_folder(tmp_path))
    as_text = adserver(*arguments)
    assert as_text.exit_code == 0
    assert adserver(*arguments, "--format", "github").stdout == as_text.stdout
