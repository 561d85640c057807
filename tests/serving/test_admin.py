"""The admin port: who may read, and what it says of the node."""

from __future__ import annotations

from ipaddress import ip_network

import httpx
import pytest
from starlette.requests import Request

from adserver.metrics.meter import Dump
from adserver.serving.admin import Guard, admin_app

TOKEN = "a long token of the operator"
NETWORKS = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


class Told:
    """What the node's workers have told, as the admin process holds it."""

    def __init__(self, workers: int, dump: Dump) -> None:
        self.workers = workers
        self._dump = dump

    async def dump(self) -> Dump:
        return self._dump


def request(peer: str | None, authorization: str | None = None, **more: str) -> Request:
    """more: other headers, `_` for `-`."""
    said = more | ({"authorization": authorization} if authorization else {})
    headers = [(k.replace("_", "-").encode(), v.encode()) for k, v in said.items()]
    client = (peer, 1) if peer else None
    return Request({"type": "http", "headers": headers, "client": client})


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_reads(peer: str) -> None:
    assert Guard().admits(request(peer))


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8081", "localhost.", "ads.localhost", "127.0.0.1:8081", "[::1]:8081",
     "192.0.2.1", ""],
)  # fmt: skip
def test_loopback_reads_by_its_own_names(host: str) -> None:
    assert Guard().admits(request("127.0.0.1", host=host))


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8081", "localhost.evil.example", "notlocalhost",
             "127.0.0.1.evil.example", "evil.example.", "[::1].evil.example", "@localhost"],
)  # fmt: skip
def test_a_page_that_turned_its_name_to_loopback_reads_nothing(host: str) -> None:
    assert not Guard().admits(request("127.0.0.1", host=host))
    assert Guard(TOKEN).admits(request("127.0.0.1", f"Bearer {TOKEN}", host=host))


@pytest.mark.parametrize("peer", ["10.1.2.3", "127.0.0.1"])
@pytest.mark.parametrize(
    ("host", "admitted"),
    [
        ("10.9.9.9:8081", True),
        ("[2001:db8::1]:8081", True),
        ("localhost:8081", True),
        ("node-1:8081", True),
        ("Ads.Example", True),
        ("a.blog.example:8081", True),
        ("", True),
        ("evil.example:8081", False),
        ("blog.example", False),
        ("node-1.evil.example", False),
        ("10.9.9.9.evil.example", False),
        ("a@10.9.9.9", False),
    ],
)
def test_a_page_that_turned_its_name_to_an_allowed_network_reads_nothing(
    peer: str, host: str, admitted: bool
) -> None:
    names = ("ads.example", "*.blog.example", "node-1")
    allow = (*NETWORKS, ip_network("127.0.0.1/32"))
    assert Guard(allow=allow, names=names).admits(request(peer, host=host)) is admitted
    guard = Guard(TOKEN, allow, names)
    assert guard.admits(request(peer, f"Bearer {TOKEN}", host=host)), "the token does"


ON_BEHALF = [
    {"x_forwarded_for": "192.0.2.1"},
    {"x_forwarded_for": "127.0.0.1"},
    {"x_forwarded_for": ""},
    {"forwarded": "for=192.0.2.1"},
    {"x_real_ip": "192.0.2.1"},
    {"x_forwarded_host": "ads.example"},
    {"via": "1.1 proxy"},
    {"true_client_ip": "192.0.2.1"},
    {"fastly_client_ip": "192.0.2.1"},
    {"x_client_ip": "192.0.2.1"},
    {"x_cluster_client_ip": "192.0.2.1"},
]


@pytest.mark.parametrize("said", ON_BEHALF)
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3"])
def test_a_proxy_opens_the_port_to_nobody_by_its_own_address(
    peer: str, said: dict[str, str]
) -> None:
    assert not Guard(allow=NETWORKS).admits(request(peer, **said))
    assert Guard(TOKEN, NETWORKS).admits(request(peer, f"Bearer {TOKEN}", **said))
    assert Guard(allow=NETWORKS).admits(request(peer)), "control: asking for itself, it may"


@pytest.mark.parametrize(
    ("peer", "admitted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("::ffff:11.1.2.3", False),
        ("", False),
        ("/run/admin.sock", False),
        ("2001:db8::5", True),
        ("11.0.0.1", False),
        ("2001:db9::", False),
        (None, False),
    ],
)
def test_beyond_it_an_allowed_network_reads(peer: str | None, admitted: bool) -> None:
    assert Guard(allow=NETWORKS).admits(request(peer)) is admitted


@pytest.mark.parametrize(
    ("said", "admitted"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN} ", True),
        (f"Basic {TOKEN}", False),
        (f"Bearer {TOKEN}x", False),
        ("Bearer ", False),
        ("Bearer é", False),
        (TOKEN, False),
        (None, False),
    ],
)
def test_the_token_reads_from_anywhere(said: str | None, admitted: bool) -> None:
    assert Guard(TOKEN).admits(request("192.0.2.1", said)) is admitted


def test_without_a_token_none_is_right() -> None:
    assert not Guard().admits(request("192.0.2.1", "Bearer "))


async def from_store() -> Dump:
    return {"campaign_delivered": [(("a", "impressions"), 4)]}


async def asked(
    path: str, workers: int = 1, peer: str = "127.0.0.1", method: str = "GET", **gauges: float
) -> httpx.Response:
    dump: Dump = {name: [((), value)] for name, value in gauges.items()}
    app = admin_app(Told(workers, dump), Guard(TOKEN), from_store)
    transport = httpx.ASGITransport(app=app, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path)


async def test_metrics_are_those_of_the_workers_and_of_the_store() -> None:
    answer = await asked("/metrics", workers=2, generation=3)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "adserver_generation 3.0" in answer.text
    assert 'adserver_campaign_delivered{campaign="a",unit="impressions"} 4.0' in answer.text


async def test_a_stranger_is_told_how_to_be_let_in() -> None:
    answer = await asked("/metrics", peer="192.0.2.1")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "ADSERVER_ADMIN_ALLOW" in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
async def test_it_answers_reads_only_and_to_no_other_origin(path: str) -> None:
    for method in ("GET", "HEAD"):
        answer = await asked(path, method=method, generation=1)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert (await asked(path, method=method)).status_code == 405


@pytest.mark.parametrize("path", ["/metrics/", "//metrics", "/METRICS", "/", "/slots/a", "/debug"])
async def test_there_is_nothing_else_and_nothing_redirects(path: str) -> None:
    answer = await asked(path)
    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_what_everybody_may_ask_names_nobody() -> None:
    answer = await asked("/readyz", peer="192.0.2.1", generation=3, store_up=1)
    assert set(answer.json()) == {"ready", "generation", "store", "workers"}
    assert (await asked("/livez", peer="192.0.2.1")).text == "ok\n"


async def test_it_lives() -> None:
    assert (await asked("/livez")).status_code == 200


@pytest.mark.parametrize(
    ("workers", "generation", "store_up", "status", "store"),
    [
        (1, 3, 1, 200, "up"),
        (1, 3, 0, 200, "away"),
        (1, 0, 1, 503, "up"),
        (0, 0, 1, 503, "up"),
    ],
)
async def test_it_is_ready_with_a_snapshot_even_while_the_store_is_away(
    workers: int, generation: int, store_up: int, status: int, store: str
) -> None:
    answer = await asked("/readyz", workers, generation=generation, store_up=store_up)
    assert answer.status_code == status
    assert answer.json() == {
        "ready": status == 200,
        "generation": generation,
        "store": store,
        "workers": workers,
    }


async def test_with_nobody_to_ask_it_is_not_ready() -> None:
    answer = await asked("/readyz", workers=0)
    assert answer.status_code == 503
