"""The public port's limits, from the settings and from what the machine allows."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from adserver.metrics.meter import Meter
from adserver.serving.edge import MOST_CONNECTIONS
from adserver.serving.refusals import Refusal
from adserver.settings import Settings
from adserver.wiring.edge import edge_of

# In a process of its own, as a limit that has been lowered is not raised again.
LIMITED = """
import resource, sys
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from adserver.core.errors import SettingsError
from adserver.settings import Settings
from adserver.wiring.edge import connections_of, raise_file_limit
raise_file_limit()
try:
    print(connections_of(Settings(max_connections=connections)))
except SettingsError as error:
    print(error)
"""


def limited(soft: int, hard: int, connections: int = 0) -> str:
    line = [sys.executable, "-c", LIMITED, *map(str, (soft, hard, connections))]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("soft", "hard", "set_to", "connections"),
    [(64, 64, 0, 24), (64, 1_000, 0, 960), (256, 16_000, 0, 8_192), (256, 16_000, 15_000, 15_000)],
)
def test_as_many_connections_as_files_allow(
    soft: int, hard: int, set_to: int, connections: int
) -> None:
    assert limited(soft, hard, set_to) == str(connections)


def test_too_few_files_are_told_with_what_to_do() -> None:
    said = limited(50, 50)
    assert "50 files" in said
    assert "LimitNOFILE" in said
    assert "--max-connections" not in said
    assert "--max-connections" in limited(500, 500, 480)


def test_every_reason_is_there_from_the_start() -> None:
    meter = Meter()
    edge = edge_of(Settings(allowed_hosts=("ads.example",)), meter)
    assert set(meter.counts["http_refused_total"]) == {(reason.value,) for reason in Refusal}
    assert 0 < meter.gauges["http_connections_limit"][()] == edge.most <= MOST_CONNECTIONS
    assert edge.hosts.refusal(b"other.example") is Refusal.MISDIRECTED


@pytest.mark.parametrize(
    "hosts", ["https://ads.example", "ads.example:443", "*", "a.*.example", "ads.example/x", "::1"]
)
def test_what_is_no_host_is_refused_by_name(hosts: str) -> None:
    with pytest.raises(ValidationError, match=r"is no host; expected a name such as ads\.example"):
        Settings(allowed_hosts=hosts)  # type: ignore[arg-type]


def test_hosts_are_separated_by_commas() -> None:
    found = Settings(allowed_hosts="ads.example, *.blog.example,[::1],127.0.0.1")  # type: ignore[arg-type]
    assert found.allowed_hosts == ("ads.example", "*.blog.example", "[::1]", "127.0.0.1")


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        (b"127.0.0.1:8080", True),
        (b"[::1]:8080", True),
        (b"192.168.1.5:8080", True),
        (b"localhost:8080", True),
        (b"blog.localhost", True),
        (b"tunnel.example", True),
        (b"ads.example", True),
        (b"evil.example:8080", False),
        (b"127.0.0.1.evil.example", False),
        (b"localhost.evil.example", False),
        (b"", False),
    ],
)
def test_a_page_that_turned_its_name_to_dev_reads_nothing(host: bytes, answered: bool) -> None:
    settings = Settings(allowed_hosts=("ads.example",), public_url="https://tunnel.example/ads")
    hosts = edge_of(settings, Meter(), preview=True).hosts
    assert (hosts.refusal(host) is None) is answered
    assert edge_of(Settings(), Meter()).hosts.refusal(host) is None, "as serve does"
