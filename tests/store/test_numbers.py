"""Permanent numbers: a renamed campaign keeps its own, its old name gets new ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from adserver.core.catalog import Campaign, Catalog
from adserver.core.errors import LiveHasMoved
from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.core.publication import Content, Entry
from adserver.core.renames import Rename
from adserver.store.catalogs import StoredCatalogs
from adserver.store.keys import Keys
from adserver.store.pauses import StoredPauses, read
from adserver.store.totals import StoredTotals
from tests.factories import NOW, campaign, catalog, text_creative

OLD_TO_NEW = (Rename("old", "new"),)


@pytest.fixture
def catalogs(store: Any, keys: Keys) -> StoredCatalogs:
    return StoredCatalogs(store, keys)


@pytest.fixture
def totals(store: Any, keys: Keys) -> StoredTotals:
    return StoredTotals(store, keys)


def publish(
    catalogs: StoredCatalogs, expected: int, written: Catalog, renamed: Iterable[Rename] = ()
) -> None:
    catalogs.publish(expected, written, Content(), Entry("ana"), tuple(renamed))


def with_creatives(name: str, *ids: str) -> Campaign:
    return campaign(name, creatives=tuple(map(text_creative, ids)))


def numbers(catalogs: StoredCatalogs) -> dict[str, int]:
    return {name: n for name, n in catalogs.live()[0].numbers.items() if "/" in name}


def test_a_renamed_campaign_has_the_numbers_of_the_old_name(catalogs, totals) -> None:
    publish(catalogs, 0, catalog(with_creatives("old", "gone", "a"), campaign("other")))
    publish(catalogs, 1, catalog(with_creatives("old", "a"), campaign("other")))
    before = numbers(catalogs)
    publish(catalogs, 2, catalog(with_creatives("new", "a", "b"), campaign("other")), OLD_TO_NEW)
    after = numbers(catalogs)
    assert after["campaign/new"] == before["campaign/old"]
    assert after["creative/new/a"] == before["creative/old/a"]
    assert after["creative/new/gone"] == before["creative/old/gone"]
    assert after["creative/new/b"] not in before.values()
    assert after["campaign/other"] == before["campaign/other"]
    assert not any("/old" in name for name in totals.numbers())


def test_what_is_remembered_of_its_creatives_has_the_new_name(catalogs, totals) -> None:
    publish(catalogs, 0, catalog(with_creatives("old", "gone", "a")))
    publish(catalogs, 1, catalog(with_creatives("new", "a")), OLD_TO_NEW)
    publish(catalogs, 2, catalog(campaign("other")))
    known = {one.creative.id: one.campaign for one in totals.known_creatives().values()}
    assert known == {"gone": "new", "a": "new", "carte": "other"}


def test_an_old_name_that_comes_back_is_another_campaign(catalogs) -> None:
    publish(catalogs, 0, catalog(campaign("old")))
    publish(catalogs, 1, catalog(campaign("new")), OLD_TO_NEW)
    publish(catalogs, 2, catalog(campaign("new"), campaign("old")))
    after = numbers(catalogs)
    assert after["campaign/new"] == 1
    assert after["campaign/old"] == 2
    assert after["creative/new/carte"] != after["creative/old/carte"]


def test_a_rename_that_comes_too_late_changes_no_number(catalogs, totals) -> None:
    publish(catalogs, 0, catalog(campaign("old")))
    publish(catalogs, 1, catalog(campaign("old", weight=2)))
    with pytest.raises(LiveHasMoved):
        publish(catalogs, 1, catalog(campaign("new")), OLD_TO_NEW)
    assert totals.numbers()["campaign/old"] == 1
    assert {one.campaign for one in totals.known_creatives().values()} == {"old"}


def test_numbers_that_a_lost_race_has_given_stand_in_no_ones_way(catalogs, totals) -> None:
    publish(catalogs, 0, catalog(campaign("old")))
    with pytest.raises(LiveHasMoved):
        publish(catalogs, 0, catalog(campaign("new")))
    assert totals.numbers()["campaign/new"] == 2
    publish(catalogs, 1, catalog(campaign("new")), OLD_TO_NEW)
    assert numbers(catalogs)["campaign/new"] == totals.numbers()["campaign/new"] == 1


def test_names_may_be_exchanged_along_a_chain(catalogs) -> None:
    publish(catalogs, 0, catalog(campaign("a"), campaign("b")))
    publish(
        catalogs, 1, catalog(campaign("b"), campaign("c")), [Rename("a", "b"), Rename("b", "c")]
    )
    after = numbers(catalogs)
    assert (after["campaign/b"], after["campaign/c"]) == (1, 2)


def test_who_is_paused_stays_so_under_the_new_name(catalogs, store, keys) -> None:
    publish(catalogs, 0, catalog(campaign("old"), campaign("other")))
    pauses = StoredPauses(store, keys)
    target = Target.read("old")
    act = Act(NOW, Verb.PAUSE, target, "ana")
    pauses.act(act, (), [Pause(target, NOW, None, "ana", "why")])
    version = store.get(keys.pauses_version)
    publish(catalogs, 1, catalog(campaign("old"), campaign("other", weight=2)))
    assert store.get(keys.pauses_version) == version
    publish(catalogs, 2, catalog(campaign("new"), campaign("other")), OLD_TO_NEW)
    carried, lingering = read(store.hgetall(keys.pauses))
    assert carried == Pause(Target.read("new"), NOW, None, "ana", "why")
    assert (str(lingering.target), lingering.until is None) == ("old", False)
    # That one is for workers: nobody has said when it ends.
    assert pauses.known() == [carried]
    assert store.get(keys.pauses_version) != version
