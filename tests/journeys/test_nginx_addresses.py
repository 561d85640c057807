"""A node with rules by address behind the example proxy: a reader is who connects to nginx, and not
whom the reader writes of."""

from __future__ import annotations

import http.client
import itertools
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from adserver.settings import Settings
from tests.journeys import test_nginx
from tests.journeys.hammer import SEALER
from tests.journeys.small_blog import campaign, write_blog
from tests.journeys.test_nginx import proxied
from tests.servers import READER, Running, adserver_running
from tests.serving.tickets import CLICKED, ticket
from tests.stand_in import Server

LIMIT = 5
HAMMER, VICTIM = "127.0.0.2", "127.0.0.3"
ACCEPTED, CUT = "accepted", "discarded; reason=rate_limited"
# What the example says that the node is to be started with.
[TRUSTED] = [
    line.partition("--trusted-peers ")[2]
    for line in test_nginx.EXAMPLE.read_text("utf-8").splitlines()
    if "--trusted-peers " in line
]
RULES = {
    "ADSERVER_RULES": "rate_limited=discard",
    # By the hour alone, as a test may see a minute end; neighbours here are one network.
    "ADSERVER_RATE_LIMITS": f"click.address.minute=0,click.address.hour={LIMIT}"
    ",click.network.minute=0,click.network.hour=0",
    # Readers of this test have addresses of this machine.
    "ADSERVER_SUSPEND_RULES": "never",
}
Click = Callable[..., str]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("node")
    config = write_blog(tmp / "config", ["top"], {"coffee": campaign("top")})
    with adserver_running(config, tmp, "--trusted-peers", TRUSTED, env=RULES) as ads:
        yield ads


def clicker(address: str, node: Running) -> Click:
    """Click on a new ad through the proxy, from an address of this machine; what became of it."""
    # As if they had been served by a worker of their own.
    one = SEALER.unseal(ticket(node, "top"))._replace(writer=secrets.randbits(32))
    serial = itertools.count()

    def click(source: str, **headers: str) -> str:
        new = SEALER.seal(one._replace(serial=next(serial))).decode()
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(
            str(parts.hostname), parts.port, timeout=20, source_address=(source, 0)
        )
        sent = {"Host": "www.example.org", "User-Agent": READER, **headers}
        connection.request("GET", f"/ads/c/{new}", headers=sent)
        answer = connection.getresponse()
        connection.close()
        said = str(answer.headers["X-Ad-Event"])
        return ACCEPTED if said in CLICKED else said

    return click


def forged(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"198.51.100.{number}"}


def test_forged_addresses_neither_help_nor_hurt(tmp_path: Path, node: Running) -> None:
    blog = Server()
    with blog.running(), proxied(tmp_path, blog, node.public.removeprefix("http://")) as address:
        click = clicker(address, node)
        said = Counter(click(HAMMER, **forged(n)) for n in range(4 * LIMIT))
        said += Counter(click(HAMMER, **{"X-Forwarded-For": VICTIM}) for _ in range(4 * LIMIT))
        said += Counter(click(HAMMER) for _ in range(4 * LIMIT))
        # An hour of the clock may end meanwhile.
        assert LIMIT <= said[ACCEPTED] <= 2 * LIMIT
        assert said[ACCEPTED] + said[CUT] == 12 * LIMIT, said
        assert click(VICTIM) == ACCEPTED


def test_control_where_nginx_passes_on_what_readers_write_both_work(
    tmp_path: Path, node: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = test_nginx.EXAMPLE.read_text("utf-8")
    careless = tmp_path / "careless.conf"
    lines = text.splitlines(keepends=True)
    careless.write_text("".join(one for one in lines if "X-Forwarded-For $remote" not in one))
    monkeypatch.setattr(test_nginx, "EXAMPLE", careless)
    blog = Server()
    with blog.running(), proxied(tmp_path, blog, node.public.removeprefix("http://")) as address:
        click = clicker(address, node)
        said = Counter(click(HAMMER, **forged(n)) for n in range(4 * LIMIT))
        assert said == {ACCEPTED: 4 * LIMIT}
        other = "203.0.113.7"
        for _ in range(2 * LIMIT):
            click(HAMMER, **{"X-Forwarded-For": other})
        assert click(VICTIM, **{"X-Forwarded-For": other}) == CUT


def test_the_setting_that_the_example_names_is_one() -> None:
    assert Settings(trusted_peers=TRUSTED).trusted_peers
