"""`python -m benchmarks.countries`: what it costs to find a reader's country in a database.

A database of 250 countries with their names in eight languages, as large as GeoLite2-Country: a
quarter of a million networks. Each request is of another reader, behind a trusted proxy, so that
X-Forwarded-For is read as well. Microseconds, a median and a p99.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any

from adserver.metrics.meter import Meter
from adserver.serving.countries import Countries
from adserver.serving.country_file import renewed
from tests.mmdb import database

SEED = 20261126
NETWORKS = 250_000
READERS = 50_000
LANGUAGES = ("de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN")
PROXY = (ip_network("10.0.0.0/8"),)


def record(number: int) -> dict[str, Any]:
    code = f"{chr(65 + number // 26)}{chr(65 + number % 26)}"
    country = {"iso_code": code, "names": {one: f"{one} {code} " * 3 for one in LANGUAGES}}
    return {"continent": country, "country": country, "registered_country": country}


def networks(draw: Random) -> dict[str, Any]:
    """Four in five of IPv4."""
    records = [record(number) for number in range(250)]
    made: dict[str, Any] = {}
    while len(made) < NETWORKS:
        if draw.random() < 0.8:
            network = ip_network((draw.getrandbits(22) << 10, 22))
        else:
            network = ip_network(((0x2 << 124) | draw.getrandbits(36) << 88, 40))
        made[str(network)] = draw.choice(records)
    return made


def within(draw: Random, network: str) -> str:
    there = ip_network(network)
    return str(there[draw.randrange(there.num_addresses)])


def measure(call: Callable[[Any], object], each: list[Any]) -> str:
    taken = []
    for one in each:
        started = time.perf_counter()
        call(one)
        taken.append((time.perf_counter() - started) * 1e6)
    cuts = quantiles(taken, n=100)
    return f"{cuts[49]:.1f} µs, p99 {cuts[98]:.1f}"


def main() -> None:
    draw = Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        source, kept = Path(folder) / "country.mmdb", Path(folder) / "kept"
        known = networks(draw)
        source.write_bytes(database(known))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        renewed(source, kept).close()
        opening = (time.perf_counter() - started) * 1e3
        countries = Countries(source, kept, PROXY, Meter())
        addresses = [within(draw, one) for one in draw.sample(list(known), READERS)]
        found = sum(bool(countries.of(ip_address(one))) for one in addresses)
        scopes = [
            {
                "client": ("10.0.0.1", 1),
                "headers": [(b"user-agent", b"x"), (b"x-forwarded-for", one.encode())],
            }
            for one in addresses
        ]
        size = source.stat().st_size / 1024**2
        print(f"{size:.0f} MiB, {NETWORKS:,} networks; {found / len(addresses):.0%} found")
        print(f"copied, opened and checked in {opening:.0f} ms")
        print(f"an address: {measure(countries.of, list(map(ip_address, addresses)))}")
        print(f"a request: {measure(countries.note, scopes)}")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"resident, mapped pages included: {(after - before) / 1024:+.0f} MiB")


if __name__ == "__main__":
    main()
