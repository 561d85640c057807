"""Rules by address on the events of workers: what is cut, what is not, and what is forgotten."""

from __future__ import annotations

import fcntl
import secrets
from ipaddress import ip_network
from pathlib import Path
from random import Random

import pytest

from adserver.core.events import Kind
from adserver.core.invalid import Rule
from adserver.core.rate_limits import RateLimits
from adserver.core.suspension import LEAST_EVENTS, WINDOW_SECONDS, Suspension
from adserver.core.ticket import Ticket
from adserver.metrics.meter import Meter
from adserver.serving import readers
from adserver.serving.invalid import Facts
from adserver.serving.rates import Rates, Shared, shared_memory
from adserver.serving.readers import GAUGE, Readers
from tests.factories import NOW

HAMMER, NEIGHBOUR, OTHER = "198.51.100.7", "198.51.100.8", "203.0.113.9"
PROXY = "10.0.0.1"
TRUSTED = (ip_network("10.0.0.0/8"),)
LIMITS = {"click.address.minute": 5, "click.address.hour": 8, "click.network.minute": 7}


class Node:
    """Workers that share what they count; `now` is theirs."""

    def __init__(
        self, folder: Path, *, trusted=(), workers=2, limits=LIMITS, suspension=None, named=()
    ) -> None:
        self.now = NOW - NOW % 86_400
        self.seen: set[int] = set()
        self.memory = shared_memory()
        self.meter = Meter()
        shared = Shared(self.memory, folder / "rates.lock")
        self.readers = Readers(trusted, self.meter, lambda: self.now, suspension, named=named)
        self.workers = [
            Rates(
                RateLimits(limits),
                self.readers,
                self.seen.__contains__,
                shared,
                lambda: self.now,
            )
            for _ in range(workers)
        ]
        self._serial = 0

    def facts(self, peer: str, kind: Kind = Kind.CLICK, campaign: int = 1, **headers: str) -> Facts:
        self._serial += 1
        ticket = Ticket(1, self._serial, 1, campaign, 1, int(self.now), 0, 1, 1, 0)
        raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
        return Facts({"client": (peer, 1), "headers": raw}, ticket, kind)

    def cut(self, peer: str, many: int, **of) -> int:
        """How many of so many events are cut, which come to the workers in turn."""
        workers = self.workers
        return sum(
            workers[n % len(workers)].too_many_events(self.facts(peer, **of)) for n in range(many)
        )

    @property
    def suspended(self) -> float:
        return self.meter.gauges[GAUGE][()]


@pytest.fixture(autouse=True)
def known_salts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under one salt in 250, two of the few hundred readers here share both of their cells."""
    monkeypatch.setattr(secrets, "token_bytes", Random("salts").randbytes)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_beyond_the_limit_an_address_is_cut_whichever_worker_it_meets(node: Node) -> None:
    assert node.cut(HAMMER, 100) == 95
    node.now += 60
    assert node.cut(HAMMER, 3) == 3, "what was cut was sent, too: the hour has had its eight"
    node.now += 3_600
    assert node.cut(HAMMER, 100) == 95


def test_control_workers_that_share_nothing_let_more_pass(tmp_path: Path) -> None:
    apart = [Node(tmp_path, workers=1), Node(tmp_path, workers=1)]
    assert sum(one.cut(HAMMER, 50) for one in apart) == 90


def test_kinds_are_counted_apart(node: Node) -> None:
    assert node.cut(HAMMER, 10) == 5
    assert node.cut(HAMMER, 100, kind=Kind.IMPRESSION) == 0


def test_what_an_address_is_cut_of_is_not_put_down_to_its_neighbours(node: Node) -> None:
    assert node.cut(HAMMER, 1_000) == 995
    assert node.cut(NEIGHBOUR, 2) == 0
    assert node.cut(NEIGHBOUR, 2) == 2  # five and two: the network has had its seven
    assert node.cut(OTHER, 2) == 0


def test_of_ipv6_a_device_that_changes_its_address_is_the_same(node: Node) -> None:
    assert sum(node.cut(f"2001:db8:1:2::{n:x}", 1) for n in range(1, 21)) == 15


def test_a_duplicate_adds_nothing(node: Node) -> None:
    facts = node.facts(HAMMER)
    assert not node.workers[0].too_many_events(facts)
    node.seen.add((facts.ticket.writer << 32 | facts.ticket.serial) << 2 | Kind.CLICK)
    for _ in range(100):
        again = Facts(facts.scope, facts.ticket, facts.kind)
        assert not node.workers[1].too_many_events(again)
    assert node.cut(HAMMER, 4) == 0


def test_control_a_duplicate_that_nobody_knows_does(node: Node) -> None:
    facts = node.facts(HAMMER)
    for _ in range(5):
        node.workers[0].too_many_events(Facts(facts.scope, facts.ticket, facts.kind))
    assert node.cut(HAMMER, 4) == 4


async def test_at_midnight_all_is_forgotten_by_every_worker(node: Node) -> None:
    node.cut(HAMMER, 100)
    before = bytes(node.memory)
    node.now += 86_400
    for worker in node.workers:
        await worker.look()
    assert not any(node.memory[4_096:])
    assert bytes(node.memory)[8:40] != before[8:40]
    assert node.cut(HAMMER, 10) == 5


def test_no_address_is_in_what_is_kept(node: Node) -> None:
    node.cut(HAMMER, 100)
    assert bytes([198, 51, 100]) not in bytes(node.memory)
    assert HAMMER.encode() not in bytes(node.memory)


def test_two_nodes_count_the_same_address_in_places_of_their_own(tmp_path: Path) -> None:
    one, other = Node(tmp_path), Node(tmp_path)
    one.cut(HAMMER, 1)
    other.cut(HAMMER, 1)
    assert bytes(one.memory) != bytes(other.memory)


def test_who_cannot_read_the_salt_at_once_goes_on_without(tmp_path: Path) -> None:
    node = Node(tmp_path)
    with (tmp_path / "rates.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert node.cut(HAMMER, 100) == 0
        assert not node.workers[0].too_many_campaigns(node.facts(HAMMER))
    assert node.cut(HAMMER, 100) == 95
    for worker in node.workers:
        worker.close()
        worker.close()


def test_each_of_its_rules_is_asked_for_by_its_name(node: Node) -> None:
    worker = node.workers[0]
    assert worker.rules == {
        Rule.RATE_LIMITED: worker.too_many_events,
        Rule.CLICKS_MANY_CAMPAIGNS: worker.too_many_campaigns,
    }


def test_a_worker_that_is_alone_needs_nothing_shared(node: Node) -> None:
    alone = Rates(RateLimits(LIMITS), node.readers, node.seen.__contains__, None, lambda: node.now)
    assert sum(alone.too_many_events(node.facts(HAMMER)) for _ in range(10)) == 5
    alone.close()


def test_who_clicks_on_many_campaigns_is_cut(tmp_path: Path) -> None:
    node = Node(tmp_path, limits={"campaigns.address.hour": 10})

    def many(peer: str, campaigns: range, kind: Kind = Kind.CLICK) -> list[bool]:
        facts = [node.facts(peer, kind, campaign) for campaign in campaigns]
        return [node.workers[one.ticket.serial % 2].too_many_campaigns(one) for one in facts]

    assert not any(many(HAMMER, range(1, 11)))
    # Bits that two campaigns share make it a few later than the eleventh.
    assert sum(many(HAMMER, range(11, 40))) >= 23
    assert not any(many(HAMMER, range(100), Kind.IMPRESSION))
    assert not any(many(OTHER, range(1, 2)) * 50)
    node.now += 3_600
    assert not any(many(HAMMER, range(1, 10)))


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_as_many_campaigns_as_the_limit_says_count(tmp_path: Path, limit: int) -> None:
    node = Node(tmp_path, limits={"campaigns.address.hour": limit})

    def cut(campaign: int) -> bool:
        return node.workers[campaign % 2].too_many_campaigns(node.facts(HAMMER, campaign=campaign))

    within = range(1, limit + 1)
    assert not any(cut(campaign) for campaign in within)
    assert not any(cut(campaign) for campaign in within), "again is no other campaign"
    # The next, unless it shares its bit with one of these: then one of those behind it.
    assert any(cut(campaign) for campaign in range(limit + 1, limit + 9))


def test_without_a_limit_campaigns_are_not_counted(tmp_path: Path) -> None:
    node = Node(tmp_path, limits={"campaigns.address.hour": 0})
    assert not any(
        node.workers[0].too_many_campaigns(node.facts(HAMMER, campaign=n)) for n in range(300)
    )


def test_behind_a_trusted_proxy_readers_are_told_apart(tmp_path: Path) -> None:
    node = Node(tmp_path, trusted=TRUSTED)
    readers = [f"203.0.{n}.1" for n in range(200)]
    assert sum(node.cut(PROXY, 4, x_forwarded_for=reader) for reader in readers) == 0
    assert node.cut(PROXY, 10, x_forwarded_for=HAMMER) == 5
    assert node.suspended == 0


@pytest.mark.parametrize("header", [{}, {"x_forwarded_for": "203.0.113.1"}])
def test_who_comes_past_the_trusted_proxy_is_taken_for_themselves(
    tmp_path: Path, header: dict[str, str]
) -> None:
    node = Node(tmp_path, trusted=TRUSTED)
    for n in range(LEAST_EVENTS):
        node.cut(PROXY, 1, x_forwarded_for=f"203.0.{n}.1")
    assert node.cut(HAMMER, 10, **header) == 5


@pytest.mark.parametrize("header", [{}, {"x_forwarded_for": "unknown"}])
def test_whom_a_trusted_proxy_does_not_name_is_nobody_and_that_is_counted(
    tmp_path: Path, header: dict[str, str]
) -> None:
    node = Node(tmp_path, trusted=TRUSTED)
    nameless = node.meter.counts["events_without_address_total"]
    assert dict(nameless) == {(): 0}
    assert node.cut(PROXY, 100, x_forwarded_for=HAMMER) == 95
    assert dict(nameless) == {(): 0}
    assert node.cut(PROXY, 100, **header) == 0
    assert dict(nameless) == {(): 100}
    assert node.suspended == 0


def behind(node: Node, peer: str, **headers: str) -> int:
    """How many events of 200 readers behind one peer are cut."""
    readers = [f"203.0.{n}.1" for n in range(200)]
    return sum(
        node.cut(peer, 4, **{name: text.format(reader) for name, text in headers.items()})
        for reader in readers
    )


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("192.0.2.1", {"x_forwarded_for": "{}"}),
        ("2001:db8::1", {"forwarded": "for={}"}),
        ("::ffff:10.0.0.1", {"x_forwarded_for": "{}"}),
        ("127.0.0.1", {}),
        ("fe80::1%eth0", {}),
    ],
)
def test_behind_a_proxy_that_nobody_trusts_nobody_is_cut_and_that_is_said(
    node: Node, capsys: pytest.CaptureFixture[str], peer: str, headers: dict[str, str]
) -> None:
    assert behind(node, peer, **headers) < LEAST_EVENTS, "what comes before it is known"
    assert node.suspended == 1
    assert behind(node, peer, **headers) == 0
    assert not node.workers[0].too_many_campaigns(node.facts(peer, **headers))
    said = capsys.readouterr().out
    assert said.count("address_rules_suspended") == 1
    assert "--trusted-peers (ADSERVER_TRUSTED_PEERS)" in said
    assert "192.0.2.1" not in said, "truncated"


def test_control_without_suspension_everybody_behind_it_is_lost(tmp_path: Path) -> None:
    node = Node(tmp_path, suspension=Suspension(never=True))
    assert behind(node, "192.0.2.1", x_forwarded_for="{}") == 795
    assert node.suspended == 0


def test_who_hammers_and_says_to_forward_is_cut_where_all_proxies_are_known(
    tmp_path: Path,
) -> None:
    node = Node(tmp_path, suspension=Suspension(never=True))
    assert node.cut(HAMMER, 1_000, x_forwarded_for="203.0.113.1") == 995


def test_a_monitor_in_a_network_that_is_named_is_no_proxy(tmp_path: Path) -> None:
    node = Node(tmp_path, named=TRUSTED)
    assert node.cut(PROXY, 100) == 95
    assert node.suspended == 0
    # Which a proxy that says for whom it forwards is all the same.
    assert behind(Node(tmp_path, named=TRUSTED), PROXY, x_forwarded_for="{}") < LEAST_EVENTS


def test_control_in_one_that_is_not_it_may_be_one(node: Node) -> None:
    node.cut(PROXY, 100)
    assert node.suspended == 1


def test_rules_come_back_when_the_traffic_changes(
    node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    behind(node, "192.0.2.1", x_forwarded_for="{}")
    for _ in range(3):
        node.now += WINDOW_SECONDS
        for n in range(LEAST_EVENTS):
            node.cut(f"203.0.{n}.1", 1)
    assert node.suspended == 0
    assert node.cut(HAMMER, 100) == 95
    assert capsys.readouterr().out.count("address_rules_resumed") == 1


@pytest.mark.parametrize("peer", [None, "", "/run/ads.sock", "testclient"])
def test_who_has_no_address_is_not_cut(node: Node, peer: str | None) -> None:
    scope = {"client": (peer, 0) if peer is not None else None, "headers": []}
    facts = [Facts(scope, node.facts(HAMMER).ticket, Kind.CLICK) for _ in range(20)]
    assert not any(node.workers[0].too_many_events(one) for one in facts)


def test_a_trusted_proxy_that_does_not_say_for_whom_is_not_cut(tmp_path: Path) -> None:
    node = Node(tmp_path, trusted=TRUSTED)
    assert node.cut(PROXY, 100) == 0


def test_only_so_many_proxies_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MAX_PROXIES", 1)
    node = Node(tmp_path, trusted=TRUSTED)
    for proxy in (PROXY, "10.0.0.2", PROXY):
        assert node.cut(proxy, 1, x_forwarded_for=HAMMER) == 0
    assert node.readers._proxies == {bytes([10, 0, 0, 1])}


def test_both_rules_look_once_for_the_reader(node: Node) -> None:
    facts = node.facts(HAMMER)
    node.workers[0].too_many_events(facts)
    found = facts.reader
    facts.scope["client"] = (OTHER, 1)
    node.workers[0].too_many_campaigns(facts)
    assert facts.reader is found
