"""From a reader's address to an ad for their country, by the operator's own database."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.journeys.small_blog import campaign, write_blog
from tests.mmdb import BELGIUM, BUILT, CANADA, FRANCE, write_database
from tests.servers import Running, adserver_running, own_environment, run_command, until

pytestmark = pytest.mark.usefixtures("unmeasured")

# The tests' own addresses: 127.0.0.1 is a trusted proxy, 127.0.0.2 a reader in France.
NETWORKS = {
    "127.0.0.1/32": CANADA,
    "127.0.0.2/32": FRANCE,
    "203.0.113.0/24": FRANCE,
    "2001:db8::/32": BELGIUM,
    "198.51.100.0/24": CANADA,
}
FILLED = "fill; campaign=wanted; creative=card"


def env(database: Path) -> dict[str, str]:
    return {
        "ADSERVER_TRUSTED_PEERS": "127.0.0.1",
        "ADSERVER_COUNTRY_HEADER": "X-Country",
        "ADSERVER_COUNTRY_DATABASE": str(database),
    }


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_database(tmp_path_factory.mktemp("geo") / "GeoLite2-Country.mmdb", NETWORKS)


@pytest.fixture(scope="module")
def ads(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("countries")
    wanted = campaign("top", targeting={"country": ["FR", "BE"]})
    config = write_blog(tmp / "config", ["top"], {"wanted": wanted})
    with adserver_running(config, tmp, "--workers", "2", env=env(database)) as running:
        yield running


def ask(ads: Running, peer: str, path: str = "/slots/top", **options: Any) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer)) as client:
        return client.request(options.pop("method", "GET"), ads.public + path, **options)


def is_filled(answer: httpx.Response) -> bool:
    if answer.headers["content-type"] == "application/json":
        return bool(answer.json()["decisions"][0]["filled"])
    return answer.headers["x-ad-decision"] == FILLED


@pytest.mark.parametrize("path", ["/slots/top", "/frame/top", "/decisions?slots=top"])
@pytest.mark.parametrize(
    ("peer", "headers", "filled"),
    [
        ("127.0.0.2", {}, True),
        ("127.0.0.3", {}, False),
        ("127.0.0.3", {"X-Forwarded-For": "203.0.113.7"}, False),
        ("127.0.0.1", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7"}, True),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7:4711"}, True),
        ("127.0.0.1", {"X-Forwarded-For": "::ffff:203.0.113.7"}, True),
        ("127.0.0.1", {"X-Forwarded-For": "[2001:db8::9]:443"}, True),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7, 198.51.100.1"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "198.51.100.1, 203.0.113.7, 127.0.0.1"}, True),
        ("127.0.0.1", {"X-Forwarded-For": "192.168.1.5"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7, ' OR 1=1"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7", "X-Country": "CA"}, False),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.7", "X-Country": "XX"}, True),
    ],
)
def test_the_readers_address_has_a_country(
    ads: Running, path: str, peer: str, headers: dict[str, str], filled: bool
) -> None:
    assert is_filled(ask(ads, peer, path, headers=headers)) is filled


@pytest.mark.parametrize("name", [b":country", b":country-found"])
def test_nobody_can_send_the_names_under_which_a_country_is_handed_on(
    ads: Running, name: bytes
) -> None:
    host, port = ads.public.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), source_address=("127.0.0.3", 0)) as peer:
        peer.sendall(b"GET /slots/top HTTP/1.1\r\nHost: a\r\n%b: FR\r\n\r\n" % name)
        assert peer.recv(4096).startswith(b"HTTP/1.1 400")


def test_a_page_that_says_the_country_wins_over_the_database(ads: Running) -> None:
    assert not is_filled(ask(ads, "127.0.0.2", "/slots/top?country=CA"))
    assert is_filled(ask(ads, "127.0.0.3", "/slots/top?country=BE"))
    # What is no country was not said.
    assert is_filled(ask(ads, "127.0.0.2", "/slots/top?country=CAN"))


@pytest.mark.parametrize(
    ("peer", "visitor", "forwarded_for", "filled"),
    [
        ("127.0.0.1", {"ip": "203.0.113.7"}, "", True),
        ("127.0.0.1", {"ip": "2001:db8::1"}, "", True),
        ("127.0.0.1", {"ip": "198.51.100.1"}, "", False),
        ("127.0.0.1", {"ip": "nonsense"}, "", False),
        # What is forwarded, a reader has written: the proxy's word counts.
        ("127.0.0.1", {"ip": "2001:db8::1"}, "198.51.100.1", False),
        ("127.0.0.1", {"ip": "198.51.100.1"}, "203.0.113.7", True),
        ("127.0.0.1", {"ip": 7}, "203.0.113.7", True),
        ("127.0.0.1", {"user_agent": "x"}, "203.0.113.7", True),
        ("127.0.0.3", {"ip": "203.0.113.7"}, "", False),
    ],
)
def test_a_trusted_server_says_where_its_visitor_asks_from(
    ads: Running, peer: str, visitor: dict[str, Any], forwarded_for: str, filled: bool
) -> None:
    headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
    call = {"slots": ["top"], "visitor": visitor}
    answer = ask(ads, peer, "/decisions", method="POST", json=call, headers=headers)
    assert is_filled(answer) is filled


def test_a_file_that_is_replaced_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    database = write_database(tmp_path / "country.mmdb", NETWORKS)
    wanted = campaign("top", targeting={"country": ["FR"]})
    config = write_blog(tmp_path / "config", ["top"], {"wanted": wanted})
    with adserver_running(config, tmp_path, env=env(database)) as ads:
        until(lambda: shown(ads, "build_timestamp_seconds") == BUILT)
        assert is_filled(ask(ads, "127.0.0.2"))

        # Workers look once a minute, and first of all when they begin.
        database.write_bytes(b"half a fi")
        ads.process.send_signal(signal.SIGHUP)
        until(lambda: shown(ads, 'failures_total{what="file"}'))
        assert "country_database_not_renewed" in ads.log
        assert is_filled(ask(ads, "127.0.0.2"))

        write_database(database, {"127.0.0.3/32": FRANCE}, built=BUILT + 1)
        ads.process.send_signal(signal.SIGHUP)
        until(lambda: is_filled(ask(ads, "127.0.0.3")))
        # The worker that is replaced answers what it has been asked, for a moment.
        until(lambda: not is_filled(ask(ads, "127.0.0.2")))
        assert not re.search(r"127\.0\.0\.[23]", ads.log)  # no reader's address, anywhere


def shown(ads: Running, metric: str) -> float | None:
    found = re.search(rf"^adserver_country_database_{re.escape(metric)} (.*)$", ads.metrics(), re.M)
    return float(found[1]) if found else None


@pytest.mark.parametrize(
    ("written", "said"),
    [(None, "No such file or directory"), (b"GIF89a", "is damaged, or no database")],
)
def test_a_node_with_no_usable_database_does_not_start(
    tmp_path: Path, written: bytes | None, said: str
) -> None:
    database = tmp_path / "country.mmdb"
    if written is not None:
        database.write_bytes(written)
    environment = own_environment(tmp_path, tmp_path, {})
    done = run_command(tmp_path, environment, "serve", "--country-database", database)
    assert done.returncode == 2
    assert said in done.stderr
    assert f"{database} " in done.stderr
    assert "GeoLite2-Country.mmdb" in done.stderr
    assert not (tmp_path / "var" / "valkey.sock").exists()
