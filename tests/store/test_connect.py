"""Clients: which addresses are taken, and one error for all that can go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from adserver.core.errors import SettingsError, StoreUnavailable
from adserver.store.connect import answering, check_url, client, script


@pytest.mark.parametrize("url", ["redis://h:1/0", "rediss://u:p@h", "unix:///run/redis.sock"])
def test_an_address_of_a_store_is_taken(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://h", "redis"])
def test_another_address_is_refused_with_what_is_expected(url: str) -> None:
    with pytest.raises(SettingsError, match="expected embedded:DIR, redis://"):
        check_url(url)


def test_a_store_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with (
        client(f"unix://{tmp_path}/none.sock") as absent,
        pytest.raises(StoreUnavailable),
        answering(),
    ):
        absent.ping()


@pytest.mark.parametrize("kind", [RedisConnectionError, TimeoutError, OSError])
def test_whatever_goes_wrong_is_told_with_its_cause(kind: type[Exception]) -> None:
    with pytest.raises(StoreUnavailable, match="because") as told, answering():
        raise kind("because")
    assert isinstance(told.value.__cause__, kind)


def test_a_defect_of_ours_is_not_taken_for_the_stores() -> None:
    with pytest.raises(KeyError), answering():
        raise KeyError("ours")


@pytest.mark.parametrize("name", ["count", "number", "publish"])
def test_every_script_says_what_it_takes_and_what_it_returns(name: str) -> None:
    text = script(name)
    assert text.startswith("-- ")
    for word in ("-- KEYS: ", "ARGV: ", "-- Returns "):
        assert word in text
