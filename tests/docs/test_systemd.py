"""The units for systemd: it takes them as they are, and what they run is there."""

from __future__ import annotations

import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from adserver.settings import Settings
from tests.cli.command import adserver
from tests.programs import needs

UNITS = Path(__file__).parents[2] / "config" / "systemd"
PROGRAM = "/opt/adserver/bin/adserver"


def unit(name: str) -> ConfigParser:
    read = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    read.optionxform = str  # type: ignore[assignment]
    read.read_string((UNITS / name).read_text("utf-8"))
    return read


@pytest.mark.parametrize("name", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_takes_every_unit(name: str, tmp_path: Path) -> None:
    for path in UNITS.iterdir():
        # What is installed on the operator's machine only.
        text = (
            path.read_text("utf-8").replace(PROGRAM, "/bin/true").replace("=adserver\n", "=root\n")
        )
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    command = [needs("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no"]
    done = subprocess.run(
        [*command, str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if name in line]
    assert (done.returncode, complaints) == (0, [])


def test_systemd_would_say_if_a_unit_were_wrong(tmp_path: Path) -> None:
    """The control of the test above."""
    (tmp_path / "wrong.timer").write_text("[Timer]\nOnCalender=daily\n", encoding="utf-8")
    command = [needs("systemd-analyze"), "verify", "--man=no", str(tmp_path / "wrong.timer")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "wrong.timer" in done.stderr


def test_the_command_and_its_settings_exist() -> None:
    service = unit("adserver-backup.service")["Service"]
    program, *words = service["ExecStart"].split()
    assert program == PROGRAM
    assert adserver(*words[:2], "--help").exit_code == 0
    name = service["Environment"].partition("=")[0]
    assert name.removeprefix("ADSERVER_").lower() in Settings.model_fields


def test_old_backups_go_from_where_new_ones_are_put() -> None:
    service = unit("adserver-backup.service")["Service"]
    folder = service["ExecStart"].split()[-1]
    assert service["ExecStartPost"].split()[1] == folder
    assert Path(folder).name in service["StateDirectory"].split()
    assert unit("adserver-backup.timer")["Timer"]["OnCalendar"]
