"""The operator's country database: what it says, what it refuses, and how it is renewed."""

from __future__ import annotations

import os
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from adserver.core.errors import SettingsError
from adserver.metrics.meter import Meter
from adserver.serving.app import PublicApp
from adserver.serving.countries import BUILT, FAILURES, Countries
from adserver.serving.country_file import country_in, renewed
from adserver.serving.headers import country_said
from adserver.serving.peers import COUNTRY_SAID
from tests.factories import NOW, campaign, catalog, generation
from tests.mmdb import BUILT as MADE
from tests.mmdb import CANADA, FRANCE, database, write_database
from tests.serving.memory import MemoryWorker

TRUSTED = (ip_network("10.0.0.0/8"),)


class Made:
    """Countries of a file, with what they count."""

    def __init__(self, folder: Path, networks: dict[str, Any] | None = None, **about: Any) -> None:
        self.source, self.kept = folder / "country.mmdb", folder / "kept"
        write_database(self.source, *([networks] if networks else []), **about)
        renewed(self.source, self.kept).close()
        self.meter = Meter()
        self.countries = Countries(self.source, self.kept, TRUSTED, self.meter)

    def of(self, address: str) -> str:
        return self.countries.of(ip_address(address))

    def failures(self, what: str) -> int:
        return self.meter.counts[FAILURES][what,]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("203.0.113.7", "FR"),
        ("203.0.113.200", "BE"),
        ("198.51.100.1", "CA"),  # where it is registered, as nothing better is known
        ("2001:db8::1", "BE"),
        ("192.0.2.1", ""),
        ("10.0.0.1", ""),
        ("127.0.0.1", ""),
        ("fe80::1%eth0", ""),
        ("::", ""),
    ],
)
def test_an_address_has_the_country_of_its_network(made: Made, address: str, country: str) -> None:
    assert made.of(address) == country


def test_a_database_of_ipv4_alone_knows_nothing_of_ipv6(tmp_path: Path) -> None:
    made = Made(tmp_path, {"203.0.113.0/24": FRANCE}, ip_version=4)
    assert (made.of("203.0.113.7"), made.of("2001:db8::1")) == ("FR", "")
    assert made.failures("lookup") == 0


@pytest.mark.parametrize(
    ("record", "country"),
    [
        ({"country": {"iso_code": "FR"}, "registered_country": {"iso_code": "CA"}}, "FR"),
        ({"country": {"iso_code": ""}, "registered_country": {"iso_code": "CA"}}, "CA"),
        ({"country": "FR"}, ""),
        ({"country": {"iso_code": 250}}, ""),
        ({"country": {"iso_code": "FRA"}}, ""),
        ({"continent": {"code": "EU"}}, ""),
        ("FR", ""),
        (None, ""),
    ],
)
def test_a_record_of_another_shape_names_no_country(record: Any, country: str) -> None:
    assert country_in(record) == country


def headers(peer: str, *more: tuple[bytes, bytes]) -> dict[str, Any]:
    return {"client": (peer, 1), "headers": [*more]}


@pytest.mark.parametrize(
    ("scope", "country"),
    [
        (headers("203.0.113.7"), "fr"),
        (headers("192.0.2.1"), ""),
        (headers("10.0.0.1", (b"x-forwarded-for", b"1.1.1.1, 203.0.113.200")), "be"),
        (headers("203.0.113.7", (COUNTRY_SAID, b"CA")), "ca"),
        # The proxy does not know either.
        (headers("203.0.113.7", (COUNTRY_SAID, b"XX")), "fr"),
    ],
)
def test_what_a_proxy_says_goes_before_the_database(
    made: Made, scope: dict[str, Any], country: str
) -> None:
    made.countries.note(scope)
    assert country_said(dict(scope["headers"])) == country


def damage_pointer(good: bytes) -> bytes:
    """The same tree, with records that cannot be read."""
    return good.replace(b"iso_code", b"\xff" * 8)


@pytest.mark.parametrize(
    ("write", "complaint"),
    [
        (lambda file: file.unlink(), "No such file or directory"),
        (lambda file: (file.unlink(), file.mkdir()), "is not a file"),
        (lambda file: (file.unlink(), os.mkfifo(file)), "is not a file"),
        (lambda file: file.write_bytes(b""), "is damaged, or no database"),
        (lambda file: file.write_bytes(b"GIF89a" * 1000), "is damaged, or no database"),
        (lambda file: file.write_bytes(database()[:-300]), "is damaged, or no database"),
        (lambda file: file.write_bytes(database()[300:]), "is damaged, or"),
        (lambda file: file.write_bytes(damage_pointer(database())), "is damaged, or no database"),
        (
            lambda file: file.write_bytes(
                database({"203.0.113.0/24": {"autonomous_system_number": "AS64496"}})
            ),
            "is a database, but names no countries",
        ),
        (lambda file: os.truncate(file, 300 * 1024 * 1024), "has more than 256 MiB"),
    ],
)
def test_what_is_no_country_database_is_refused_and_told(
    tmp_path: Path, write: Callable[[Path], object], complaint: str
) -> None:
    source, kept = tmp_path / "country.mmdb", tmp_path / "kept"
    kept.write_bytes(b"the last good one")
    write(write_database(source))
    with pytest.raises(SettingsError, match=complaint) as refused:
        renewed(source, kept)
    assert str(refused.value).startswith(str(source))
    assert "GeoLite2-Country.mmdb; name another file, or leave" in str(refused.value)
    assert kept.read_bytes() == b"the last good one"
    assert {one.name for one in tmp_path.iterdir()} <= {"country.mmdb", "kept"}


async def test_a_new_file_is_taken_up(made: Made) -> None:
    assert made.meter.gauges[BUILT][()] == MADE
    write_database(made.source, {"203.0.113.0/24": CANADA}, built=MADE + 60)
    await made.countries.look()
    assert made.of("203.0.113.7") == "CA"
    assert made.meter.gauges[BUILT][()] == MADE + 60
    # Whoever begins now begins with it.
    again = Countries(made.source, made.kept, TRUSTED, Meter())
    assert again.of(ip_address("203.0.113.7")) == "CA"


async def test_a_file_is_read_once(made: Made) -> None:
    copies = set()
    for _ in range(3):
        await made.countries.look()
        copies.add(made.kept.stat().st_ino)
    assert len(copies) == 1


@pytest.mark.parametrize("spoil", [lambda file: file.write_bytes(b"x"), lambda file: file.unlink()])
async def test_a_new_file_that_is_broken_changes_nothing_and_is_counted_once(
    made: Made, spoil: Callable[[Path], object]
) -> None:
    await made.countries.look()
    spoil(made.source)
    for _ in range(3):
        await made.countries.look()
        assert made.of("203.0.113.7") == "FR"
    assert made.failures("file") == 1
    write_database(made.source, {"203.0.113.0/24": CANADA})
    await made.countries.look()
    assert (made.of("203.0.113.7"), made.failures("file")) == ("CA", 1)


async def test_a_file_that_is_written_over_in_place_harms_nobody(made: Made) -> None:
    with made.source.open("r+b") as file:
        file.truncate(10)
    assert made.of("203.0.113.7") == "FR"


def test_a_record_that_cannot_be_read_is_counted_and_is_no_country(tmp_path: Path) -> None:
    made = Made(tmp_path, {"203.0.113.0/24": FRANCE, "233.0.113.0/24": {"bad code": "FR"}})
    # Found only when it is asked for: the first records were good.
    made.kept.write_bytes(made.source.read_bytes().replace(b"bad code", b"\xff" * 8))
    made.countries = Countries(made.source, made.kept, TRUSTED, made.meter)
    assert (made.of("203.0.113.7"), made.of("233.0.113.7")) == ("FR", "")
    assert (made.failures("lookup"), made.failures("file")) == (1, 0)


async def test_samples_know_the_country_also_while_no_campaign_asks_for_it(
    made: Made, tmp_path: Path
) -> None:
    """What nobody has bought yet is to be forecast too."""
    worker = MemoryWorker(tmp_path / "journal")
    worker.store.publish(generation(catalog(campaign())))
    await worker.state.live.refresh(NOW)
    worker.state.countries = made.countries
    app = PublicApp(worker.state, "", lambda _: Starlette())
    transport = httpx.ASGITransport(app, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as reader:
        assert (await reader.get("/slots/post-top")).is_success
    [taken] = worker.state.sampler.take(NOW)
    [context] = taken.samples.values()
    assert context.facts == (("country", ("fr",)),)
    assert "203.0.113" not in repr(context)
