"""The units for systemd: it takes them as they are, and what they run is there."""

from __future__ import annotations

import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from adserver.serving.supervisor import DRAIN_SECONDS
from adserver.settings import Settings
from adserver.wiring.activation import NAMES
from tests.cli.command import adserver
from tests.programs import needs

UNITS = Path(__file__).parents[2] / "config" / "systemd"
PROGRAM = "/opt/adserver/bin/adserver"
MOST_EXPOSED = 2.0


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


def test_the_server_is_run_with_settings_that_exist() -> None:
    service = unit_lines("adserver.service")
    program, *words = service["ExecStart"][0].split()
    assert program == PROGRAM
    assert adserver(words[0], "--help").exit_code == 0
    for name in (line.partition("=")[0] for line in service["Environment"]):
        assert name.removeprefix("ADSERVER_").lower() in Settings.model_fields
    state = f"/var/lib/{service['StateDirectory'][0]}"
    assert f"ADSERVER_STATE={state}" in service["Environment"]
    # Else systemd would send SIGTERM to workers and store as well, all at once.
    assert service["KillMode"] == ["mixed"]
    assert float(service["TimeoutStopSec"][0]) > 2 * DRAIN_SECONDS


def test_the_public_port_is_one_that_a_node_takes() -> None:
    held = unit("adserver.socket")["Socket"]
    assert held["FileDescriptorName"] in NAMES
    assert held["Accept"] == "no"
    host, _, port = held["ListenStream"].rpartition(":")
    fields = Settings.model_fields
    assert (host, int(port)) == (fields["host"].default, fields["port"].default)


def test_the_server_and_its_backup_may_do_little(tmp_path: Path) -> None:
    """systemd's own score, of 10 for whoever may do everything."""
    assert exposure("adserver.service") < MOST_EXPOSED
    assert exposure("adserver-backup.service") < MOST_EXPOSED
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n", encoding="utf-8")
    assert exposure(bare) > 2 * MOST_EXPOSED  # the control


def test_the_backup_may_do_no_more_than_the_server() -> None:
    """It reads the same store, as the same user."""
    server, backup = hardening("adserver.service"), hardening("adserver-backup.service")
    assert len(server) > 15
    assert backup == server
    assert server["LimitCORE"] == ["0"], "memory has keys and readers' addresses"


def hardening(name: str) -> dict[str, list[str]]:
    kinds = r"Protect|Private|Restrict|SystemCall|NoNew|Capability|Ambient|Lock|Remove|UMask|LimitC"
    return {key: said for key, said in unit_lines(name).items() if re.match(kinds, key)}


def exposure(name: str | Path) -> float:
    command = [needs("systemd-analyze"), "security", "--offline=true", str(UNITS / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    return float(found[1])


def unit_lines(name: str) -> dict[str, list[str]]:
    """By key, as it may stand several times; the sections of a unit share none."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text("utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_old_backups_go_from_where_new_ones_are_put() -> None:
    service = unit("adserver-backup.service")["Service"]
    folder = service["ExecStart"].split()[-1]
    assert service["ExecStartPost"].split()[1] == folder
    assert Path(folder).name in service["StateDirectory"].split()
    assert unit("adserver-backup.timer")["Timer"]["OnCalendar"]
