"""The commands on stores of every topology, as processes of their own, and what they say when
one cannot be used."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import orjson
import pytest

from tests.cli.command import write_folder
from tests.servers import own_environment, run_command
from tests.store.documented import PASSWORD, Store, as_documented, as_user, forbid
from tests.store_server import Server
from tests.topology import cluster_running, redis_running, sentinel_running, tls_running

pytestmark = pytest.mark.usefixtures("unmeasured")

Command = Callable[..., "subprocess.CompletedProcess[str]"]
TOPOLOGIES: dict[str, Callable[[], AbstractContextManager[Store]]] = {
    "tls": tls_running,
    "sentinel": sentinel_running,
    "cluster": cluster_running,
}
UNAVAILABLE, USAGE = 3, 2


@pytest.fixture(scope="module", params=TOPOLOGIES)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with as_documented(TOPOLOGIES[request.param]()) as running:
        yield running


def command_for(url: str, tmp: Path) -> Command:
    environment = own_environment(write_folder(tmp), tmp, {"ADSERVER_REDIS": url})
    return lambda *arguments: run_command(tmp, environment, *arguments)


def test_what_is_applied_is_live_and_reported(store: Store, tmp_path: Path) -> None:
    adserver = command_for(as_user(store.url), tmp_path)
    applied = adserver("apply", "--yes")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    status = orjson.loads(adserver("status", "--format", "json").stdout)
    assert status["generation"] == 1
    assert [one["campaign"] for one in status["campaigns"]] == ["brulerie"]
    for arguments in (("report",), ("why", "post-top"), ("apply", "--yes")):
        said = adserver(*arguments)
        assert said.returncode == 0, said.stdout + said.stderr


@pytest.fixture
def server() -> Iterator[Server]:
    with as_documented(redis_running()) as running:
        yield running


def test_a_command_that_the_user_lacks_is_told_to_the_person(
    server: Server, tmp_path: Path
) -> None:
    forbid(server, "bitfield", "zadd")
    said = command_for(as_user(server.url), tmp_path)("apply", "--yes")
    assert said.returncode == UNAVAILABLE
    assert "the store refused: its user may not run bitfield, zadd on keys" in said.stderr
    assert "docs/operating.md" in said.stderr
    assert "Traceback" not in said.stderr


def test_no_password_is_said(server: Server, tmp_path: Path) -> None:
    wrong = server.url.replace("://", "://adserver:s3cret@")
    for url, code, told in (
        (wrong, UNAVAILABLE, "the store refused: "),
        (f"{wrong}/x", USAGE, "has the database 'x'; expected a number"),
        (wrong.replace("redis", "redis+sentinel"), USAGE, "lacks the name"),
    ):
        said = command_for(url, tmp_path)("status")
        assert said.returncode == code, said.stderr
        assert told in said.stderr
        assert "s3cret" not in said.stdout + said.stderr
    stopped = command_for(as_user(server.url), tmp_path)("store", "stop")
    assert stopped.returncode == USAGE
    assert "***@" in stopped.stderr
    assert PASSWORD not in stopped.stderr


def test_a_store_that_is_away_is_told_with_what_was_asked(tmp_path: Path) -> None:
    with sentinel_running() as running:
        url = running.url
    said = command_for(url, tmp_path)("status")
    assert said.returncode == UNAVAILABLE
    assert "the store did not answer: No master found for 'ads' : 127.0.0.1:" in said.stderr
    assert "<redis" not in said.stderr
