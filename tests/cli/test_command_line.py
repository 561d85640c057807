"""What all commands share: options before and after, the environment, errors, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

import adserver as package
from adserver.cli import cli
from adserver.cli.options import Invocation
from adserver.core.errors import StoreUnavailable
from adserver.settings import Settings
from tests.cli.command import adserver, write_folder
from tests.memory import store


def test_the_version_is_told():
    assert adserver("--version").stdout == f"adserver {package.__version__}\n"


def test_without_a_command_all_commands_are_listed():
    listed = adserver("--help").stdout
    for command in (
        "validate",
        "apply",
        "status",
        "why",
        "report",
        "snippet",
        "keys",
        "serve",
        "demo",
    ):
        assert f"\n  {command} " in listed


def test_a_command_that_does_not_exist_is_told_with_the_nearest():
    result = adserver("stauts")
    assert result.exit_code == 2
    assert "Did you mean 'status'?" in result.stderr


@pytest.mark.parametrize("before", [True, False])
def test_common_options_stand_before_or_after_the_command(tmp_path, before):
    options = ["--config", write_folder(tmp_path), "--format", "json"]
    words = [*options, "validate"] if before else ["validate", *options]
    result = adserver(*words)
    assert (result.exit_code, orjson.loads(result.stdout)) == (0, {"problems": []})


def test_of_two_options_the_later_wins(tmp_path):
    result = adserver("--config", "nowhere", "validate", "--config", write_folder(tmp_path))
    assert result.exit_code == 0


def test_options_may_come_from_the_environment(tmp_path):
    env = {"ADSERVER_CONFIG": str(write_folder(tmp_path)), "ADSERVER_FORMAT": "json"}
    assert orjson.loads(adserver("validate", env=env).stdout) == {"problems": []}


def test_an_option_wins_over_the_environment(tmp_path):
    env = {"ADSERVER_CONFIG": "nowhere", "ADSERVER_FORMAT": "json"}
    result = adserver("validate", "--config", write_folder(tmp_path), "--format", "text", env=env)
    assert result.stdout.startswith("no problems")


def test_yes_may_come_from_the_environment(tmp_path):
    memory = store()
    result = adserver(
        "apply", "--config", write_folder(tmp_path), store=memory, env={"ADSERVER_YES": "1"}
    )
    assert result.exit_code == 0
    assert memory.live()


def test_an_option_that_cannot_be_used_is_named():
    result = adserver("status", "--namespace", "a b", store=store())
    assert result.exit_code == 2
    assert "--namespace" in result.stderr


def test_a_variable_that_cannot_be_used_is_named():
    result = adserver("status", store=store(), env={"ADSERVER_PORT": "many"})
    assert result.exit_code == 2
    assert "ADSERVER_PORT" in result.stderr


def test_paths_are_relative_to_the_working_directory(tmp_path, monkeypatch):
    write_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert adserver("validate").exit_code == 0


@contextmanager
def away(_: Settings, *, existing: bool) -> Iterator[None]:
    raise StoreUnavailable("the store did not answer: connection refused")
    yield


def test_a_store_that_is_away_is_one_line_and_exit_code_3():
    result = CliRunner().invoke(cli, ["status"], obj=Invocation(control_plane=away))
    assert result.exit_code == 3
    assert result.stderr == "Error: the store did not answer: connection refused\n"


@pytest.mark.parametrize(
    "words",
    [
        "status",
        "report",
        "why post-top",
        "available post-top",
        "export",
        "rollback",
        "pause brulerie",
        "pause --list",
        "resume brulerie",
    ],
)
def test_who_looks_where_nothing_ever_was_makes_no_store(words, tmp_path):
    folder = tmp_path / "var"
    told = ("--redis", f"embedded:{folder}", "--config", str(tmp_path / "config"))
    result = CliRunner().invoke(cli, [*words.split(), *told])
    assert result.exit_code == 3, result.output
    assert result.stderr.startswith(
        f"Error: there is no store in {folder} yet: nothing was ever applied here "
        "(another folder? see --redis)"
    )
    assert not folder.exists()


def test_every_setting_that_serve_needs_is_an_option_of_serve():
    shown = adserver("serve", "--help").stdout
    # A secret in the list of processes would be none: it comes from a file or the environment.
    for name in Settings.model_fields.keys() - {"secret_key"}:
        assert f"--{name.replace('_', '-')}" in shown


def test_a_store_that_is_a_server_of_its_own_is_not_ours_to_stop():
    result = adserver("store", "stop", "--redis", "redis://127.0.0.1:1")
    assert result.exit_code == 2
    assert "redis://127.0.0.1:1" in result.stderr


def test_stopping_a_store_that_does_not_run_is_fine(tmp_path):
    result = adserver("store", "stop", "--redis", f"embedded:{tmp_path}", "--format", "json")
    assert (result.exit_code, orjson.loads(result.stdout)) == (0, {"stopped": False})


def test_the_module_is_the_command(tmp_path):
    found = subprocess.run(
        [sys.executable, "-m", "adserver", "validate", "--config", "nowhere"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(package.__file__).parents[1])},
        check=False,
    )
    assert found.returncode == 1
    assert "nowhere" in found.stdout
    assert "Traceback" not in found.stderr


def test_a_setting_of_a_few_words_is_refused_with_those_words():
    result = adserver("serve", "--journal-sync", "never")
    assert result.exit_code == 2
    assert "'never' cannot be used; expected always:" in result.stderr


def test_a_rule_that_does_not_exist_is_told_with_the_nearest():
    result = adserver("serve", "--rules", "robot=off", store=store())
    assert result.exit_code == 2
    assert "--rules: there is no rule 'robot': did you mean 'robots'?" in result.stderr
