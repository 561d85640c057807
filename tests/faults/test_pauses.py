"""A pause is one on every worker of every node within two seconds, whatever happens then."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from adserver.core.pauses import Act, Pause, Target, Verb
from adserver.store.connect import client
from adserver.store.keys import Keys
from adserver.store.pauses import StoredPauses
from tests.faults.nodes import node, workers_of
from tests.faults.stores import Debian, debian
from tests.journeys.figures import report, total
from tests.journeys.readers import Readers, readers_who_come, readers_who_stay
from tests.journeys.small_blog import campaign, write_campaign
from tests.servers import Running, until

WORKERS = 4
EACH = 2
PAUSED = "empty; reason=paused"
EVERYWHERE_SECONDS = 2.0
# Long enough to see that everything is paused before.
OVER_SECONDS = 2 * EVERYWHERE_SECONDS
CAMPAIGN = "for-top"


@contextmanager
def two_nodes(tmp: Path, *alterations: str) -> Iterator[tuple[Debian, Running, Running]]:
    with ExitStack() as stack:
        store = stack.enter_context(debian(tmp / "redis"))
        env = {"ADSERVER_REDIS": store.url}
        nodes = []
        for name in ("one", "two"):
            folder = tmp / name
            folder.mkdir()
            started = node(folder, *alterations, workers=WORKERS, env=env, apply=name == "one")
            nodes.append(stack.enter_context(started))
        yield store, *nodes


def adserver(ads: Running, *words: str) -> float:
    """Run a command; when it had ended, on the monotonic clock."""
    done = ads.cli(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic()


def last(readers: Readers, since: float, *, filled: bool) -> float:
    """Seconds from `since` to the last answer that was filled, or was not."""
    found = [one.at for one in readers.seen if (one.decision != PAUSED) is filled]
    return max(found, default=since) - since


def pause_everything(url: str) -> float:
    """Without the time that a command takes to begin; when it is over, UTC seconds."""
    now, target = time.time(), Target.read("*")
    made = Pause(target, now, now + OVER_SECONDS, "ana@desk")
    with client(url) as connection:
        act = Act(now, Verb.PAUSE, target, made.by, until=made.until)
        StoredPauses(connection, Keys("adserver")).act(act, [], [made])
    return now + OVER_SECONDS


def heard_everywhere(since: float) -> None:
    """Any worker may be the last to hear of it: until that may take no longer."""
    until(lambda: time.monotonic() - since > EVERYWHERE_SECONDS)


def settle(readers: Readers, since: float, *, filled: bool) -> None:
    """Until nobody has seen anything else for as long as it may take, and then some."""
    heard_everywhere(since)
    readers.go_on()
    word = "filled" if not filled else "paused"
    wrong = last(readers, since, filled=not filled)
    assert wrong < EVERYWHERE_SECONDS, f"{word} after {wrong:.1f} s"
    assert last(readers, since, filled=filled) > EVERYWHERE_SECONDS


def served(ads: Running) -> dict[str, str]:
    [made] = ads.get("/decisions?slots=top").json()["decisions"]
    return made


def count(ads: Running, ad: dict[str, str]) -> None:
    for event in ("impression_url", "viewable_url"):
        assert ads.get(ad[event]).headers["x-ad-event"] == "accepted"
    clicked = ads.get(ad["click_url"])
    assert clicked.status_code == 302
    assert clicked.headers["x-ad-event"] in ("accepted", "pending")


def is_paused(ads: Running, slot: str = "top") -> bool:
    return ads.get(f"/slots/{slot}").headers["x-ad-decision"] == PAUSED


@pytest.mark.alone
@pytest.mark.timeout(180)
def test_a_pause_and_its_end_are_one_on_every_worker_within_two_seconds(tmp_path: Path) -> None:
    with two_nodes(tmp_path) as (_, one, two), ExitStack() as stack:
        each = [
            stack.enter_context(readers_who_stay(ads, "/slots/top", WORKERS, EACH))
            for ads in (one, two)
        ]
        paused = adserver(one, "pause", CAMPAIGN, "-m", "complaint")
        for readers in each:
            settle(readers, paused, filled=False)
        assert not is_paused(one, "side")
        for ads in (one, two):
            assert total(ads, "campaign_state", campaign=CAMPAIGN, state="paused") == 1
            assert total(ads, "pauses") == 1
        resumed = adserver(two, "resume", CAMPAIGN)
        for readers in each:
            settle(readers, resumed, filled=True)


@pytest.mark.timeout(180)
def test_a_pause_outlives_applies_kills_and_the_store_and_what_was_served_counts(
    tmp_path: Path,
) -> None:
    with two_nodes(tmp_path) as (store, one, two):
        before = [served(ads) for ads in (one, two)]
        assert all(ad["campaign"] == CAMPAIGN for ad in before)
        heard_everywhere(adserver(one, "pause", CAMPAIGN))
        count(one, before[1])

        with readers_who_come(two, "/slots/top", EACH) as readers:
            config = Path(one.env["ADSERVER_CONFIG"])
            write_campaign(config, CAMPAIGN, campaign("top", weight=3))
            adserver(one, "apply", "--yes", "--wait")
            killed = workers_of(two)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            until(lambda: len(workers_of(two)) == WORKERS and not {*killed} & {*workers_of(two)})
            readers.go_on()
        assert {seen.decision for seen in readers.seen} == {PAUSED}

        store.kill()
        until(lambda: total(two, "store_up") == 0)
        assert is_paused(one)
        assert is_paused(two)
        count(two, before[0])
        store.back()
        until(lambda: total(two, "store_up") == 1)
        heard_everywhere(adserver(one, "resume", CAMPAIGN))
        assert not is_paused(one)
        assert not is_paused(two)

        def counted() -> bool:
            row = next(r for r in report(one)["rows"] if r["campaign"] == CAMPAIGN)
            return (row["impressions"], row["viewable"], row["clicks"]) == (2, 2, 2)

        until(counted)


@pytest.mark.alone
@pytest.mark.timeout(120)
def test_a_pause_is_over_at_its_second_on_every_worker_though_the_store_is_away(
    tmp_path: Path,
) -> None:
    with two_nodes(tmp_path) as (store, one, two), ExitStack() as stack:
        each = [
            stack.enter_context(readers_who_stay(ads, "/slots/top", WORKERS, EACH))
            for ads in (one, two)
        ]
        ends = pause_everything(store.url)
        paused = time.monotonic()
        heard_everywhere(paused)
        store.kill()
        until(lambda: time.time() > ends + EVERYWHERE_SECONDS)
        for readers in each:
            readers.go_on()
        begin = time.monotonic() - time.time() + ends
        for readers in each:
            filled = [seen.at for seen in readers.seen if seen.decision != PAUSED]
            again = [at for at in filled if at > paused + EVERYWHERE_SECONDS]
            # By its own clock: no worker is early, and none has to be told.
            assert -0.01 < min(again) - begin < EVERYWHERE_SECONDS
            assert last(readers, begin, filled=False) < EVERYWHERE_SECONDS


@pytest.mark.timeout(120)
def test_control_workers_that_do_not_look_for_pauses_go_on(tmp_path: Path) -> None:
    with (
        two_nodes(tmp_path, "without_pauses") as (_, one, two),
        readers_who_stay(two, "/slots/top", WORKERS, EACH) as readers,
    ):
        paused = adserver(one, "pause", CAMPAIGN)
        with pytest.raises(AssertionError, match="filled"):
            settle(readers, paused, filled=False)
