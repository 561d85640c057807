"""What is kept of a generation: its history, the files it was written in, and what of it may go."""

from __future__ import annotations

from typing import Any

import pytest

from adserver.core.assets import digest_of
from adserver.core.errors import UnreadableGeneration
from adserver.core.publication import Content, Entry
from adserver.store.catalogs import StoredCatalogs, StoredLiveCatalog
from adserver.store.keys import Keys
from tests.factories import campaign, catalog

SITE = b"name: Le Comptoir\n"
DIGEST = digest_of(SITE)
CONTENT = Content({"site.yaml": {"site.yaml": DIGEST}}, sources={DIGEST: SITE})
AS_BEFORE = ("commit", "kind", "of", "files")


@pytest.fixture
def catalogs(store: Any, keys: Keys) -> StoredCatalogs:
    return StoredCatalogs(store, keys)


def test_who_how_and_from_what_are_recorded(catalogs: StoredCatalogs) -> None:
    catalogs.publish(0, catalog(), CONTENT, Entry("ana", "one", "+ a", "4fd3+"))
    catalogs.publish(1, catalog(), CONTENT, Entry("bob", kind="rollback", of=1))
    newest, oldest = catalogs.history(20)
    assert (oldest.number, oldest.author, oldest.message) == (1, "ana", "one")
    assert (oldest.commit, oldest.kind, oldest.of, oldest.kept) == ("4fd3+", "apply", 0, True)
    assert (newest.number, newest.kind, newest.of) == (2, "rollback", 1)
    assert catalogs.published(1) == oldest
    assert (catalogs.diff(1), catalogs.diff(2), catalogs.diff(3)) == ("+ a", "", "")


def test_the_live_generation_alone_is_given_a_commit(catalogs: StoredCatalogs) -> None:
    for number in range(2):
        catalogs.publish(number, catalog(), Content(), Entry("ana@blog", commit="4fd3"))
    for number in (1, 2, 3):
        catalogs.note_commit(number, "9c1e")
    assert [one.commit for one in catalogs.history(5)] == ["9c1e", "4fd3"]
    assert catalogs.published(3) is None


def test_the_history_is_as_long_as_was_asked_for(catalogs: StoredCatalogs) -> None:
    assert catalogs.history(20) == []
    for expected in range(4):
        catalogs.publish(expected, catalog(), Content(), Entry("ana"))
    assert [one.number for one in catalogs.history(3)] == [4, 3, 2]
    assert [one.number for one in catalogs.history(20)] == [4, 3, 2, 1]


def test_a_generation_is_read_with_its_files(catalogs: StoredCatalogs) -> None:
    catalogs.publish(0, catalog(campaign("a")), CONTENT, Entry("ana"))
    catalogs.publish(1, catalog(campaign("b")), Content(), Entry("ana"))
    generation, published = catalogs.generation(1) or (None, None)
    assert generation is not None
    assert generation.files == CONTENT.files
    assert [one.name for one in generation.catalog.campaigns] == ["a"]
    assert published == catalogs.published(1)
    assert catalogs.files([DIGEST, "none"]) == {DIGEST: SITE}


async def test_workers_read_no_files(
    catalogs: StoredCatalogs, beside: Any, store: Any, keys: Keys
) -> None:
    catalogs.publish(0, catalog(), CONTENT, Entry("ana"))
    store.hset(keys.generation(1), "files", "damaged")
    read = await StoredLiveCatalog(beside, keys).generation(1)
    assert read is not None
    assert read.files == {}
    with pytest.raises(UnreadableGeneration, match="generation 1 is damaged"):
        catalogs.generation(1)


def test_there_is_nothing_of_a_generation_that_never_was(catalogs: StoredCatalogs) -> None:
    assert catalogs.generation(1) is None
    assert catalogs.published(1) is None


async def test_of_one_whose_content_is_gone_the_history_is_known(
    catalogs: StoredCatalogs, beside: Any, store: Any, keys: Keys
) -> None:
    for expected in range(2):
        catalogs.publish(expected, catalog(), CONTENT, Entry("ana", "why", "+ a"))
    store.hdel(keys.generation(1), "body", "files")
    assert catalogs.generation(1) is None
    assert await StoredLiveCatalog(beside, keys).generation(1) is None
    assert [(one.number, one.kept) for one in catalogs.history(20)] == [(2, True), (1, False)]
    assert catalogs.diff(1) == "+ a"


def test_one_that_was_removed_whole_is_left_out(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    for expected in range(3):
        catalogs.publish(expected, catalog(), Content(), Entry("ana"))
    store.delete(keys.generation(2))
    assert [one.number for one in catalogs.history(20)] == [3, 1]


def test_one_of_the_release_before_has_no_files_and_says_less(
    catalogs: StoredCatalogs, store: Any, keys: Keys
) -> None:
    catalogs.publish(0, catalog(), CONTENT, Entry("ana", "one", commit="4fd3"))
    store.hdel(keys.generation(1), *AS_BEFORE)
    generation, published = catalogs.live() or (None, None)
    assert generation is not None
    assert generation.files == {}
    assert published is not None
    assert (published.author, published.commit, published.kind) == ("ana", "", "apply")


@pytest.mark.parametrize("field", ["created_at", "of"])
def test_a_damaged_history_is_told(
    catalogs: StoredCatalogs, store: Any, keys: Keys, field: str
) -> None:
    catalogs.publish(0, catalog(), Content(), Entry("ana"))
    store.hset(keys.generation(1), field, "?")
    with pytest.raises(UnreadableGeneration, match="generation 1 is damaged"):
        catalogs.history(20)
