"""`serve --dev` never touches what is live, nor shows reasons to other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import adserver, write_folder
from tests.servers import own_environment, run_command


@pytest.mark.parametrize("redis", ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1"])
def test_a_server_as_store_is_refused(tmp_path: Path, redis: str) -> None:
    config = write_folder(tmp_path)
    result = adserver("serve", "--dev", "--config", config, env={"ADSERVER_REDIS": redis})
    assert result.exit_code == 2
    assert f"serve --dev has a store of its own, and this is a server: {redis}." in result.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_other_machines_are_kept_out(tmp_path: Path, host: str) -> None:
    result = adserver("serve", "--dev", "--config", write_folder(tmp_path), "--host", host)
    assert result.exit_code == 2
    assert f"--host {host} can be reached from other machines" in result.stderr


def test_a_store_in_which_something_was_applied_is_refused(tmp_path: Path) -> None:
    env = own_environment(write_folder(tmp_path), tmp_path, {})
    try:
        assert run_command(tmp_path, env, "apply", "--yes").returncode == 0
        refused = run_command(tmp_path, env, "serve", "--dev")
        live = run_command(tmp_path, env, "status", "--format", "json").stdout
    finally:
        run_command(tmp_path, env, "store", "stop")
    assert refused.returncode == 2
    assert "serve --dev would replace it with every save" in refused.stderr
    assert '"generation": 1' in live
