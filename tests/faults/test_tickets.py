"""Tickets that outlive what they were made with, redeemed while a worker is being killed."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adserver.core.events import Kind
from tests.faults.nodes import CONTROL_PATIENCE_SECONDS, balance, missing, node, workers_of
from tests.faults.oracle import Sent, Told
from tests.journeys.hammer import TICKET
from tests.servers import SECRET_KEY, Running, run_command, until

LANDING = "https://shop.example/landing"
ADS = 20
NEW_KEY = secrets.token_urlsafe(48)


def tickets(ads: Running, told: Told) -> list[str]:
    found = [TICKET.search(ads.get("/slots/top").content) for _ in range(ADS)]
    texts = [one[1].decode() for one in found if one]
    assert len(texts) == ADS
    for text in texts:
        told.served(text)
    return texts


def redeem(ads: Running, told: Told, texts: list[str]) -> None:
    """Impression and click of each; a click lands where the campaign's ads lead."""
    for text in texts:
        shown, clicked = ads.get(f"/i/{text}"), ads.get(f"/c/{text}")
        told.heard(Sent(Kind.IMPRESSION, text), shown.status_code, shown.headers["x-ad-event"])
        assert clicked.status_code == 302, clicked
        assert clicked.headers["location"] == LANDING
        told.heard(Sent(Kind.CLICK, text), clicked.status_code, clicked.headers["x-ad-event"])


def kill_the_worker(ads: Running) -> None:
    (worker,) = workers_of(ads)
    os.kill(worker, signal.SIGKILL)
    until(lambda: workers_of(ads) not in ([], [worker]))


def prune(ads: Running, config: Path) -> None:
    (config / "campaigns" / "for-top.yaml").unlink()
    done = ads.cli("apply", "--yes", "--prune", "--wait")
    assert done.returncode == 0, done.stderr


def test_a_campaign_deleted_since_is_counted_and_its_clicks_land(tmp_path: Path) -> None:
    told = Told()
    with node(tmp_path, workers=1) as ads:
        known, unknown = tickets(ads, told), tickets(ads, told)
        prune(ads, tmp_path / "config")
        redeem(ads, told, known)
        kill_the_worker(ads)  # the next one has never seen the campaign
        redeem(ads, told, unknown)
        assert balance(ads, told, killed=True) == []


def test_control_without_a_memory_of_creatives_its_clicks_are_lost(tmp_path: Path) -> None:
    with node(tmp_path, "without_creatives", workers=1) as ads:
        (text, *_) = tickets(ads, Told())
        prune(ads, tmp_path / "config")
        assert ads.get(f"/c/{text}").status_code == 404


@contextmanager
def rotated(tmp: Path, told: Told, *keys: str) -> Iterator[tuple[Running, list[str]]]:
    """A node that was stopped and has other keys since; tickets of the one before."""
    with node(tmp, workers=1) as ads:
        old = tickets(ads, told)
        redeem(ads, told, old[: ADS // 2])
        env = {"ADSERVER_SECRET_KEY": ",".join(keys)}
        added = run_command(tmp, {**ads.env, **env}, "keys", "add")
        assert added.returncode == 0, added.stderr
    with node(tmp, workers=1, env=env, apply=False) as ads:
        yield ads, old[ADS // 2 :]


def test_tickets_of_the_key_before_are_counted_and_their_clicks_land(tmp_path: Path) -> None:
    told = Told()
    with rotated(tmp_path, told, NEW_KEY, SECRET_KEY) as (ads, old):
        redeem(ads, told, old)
        assert balance(ads, told) == []


def test_control_without_the_key_before_they_are_refused(tmp_path: Path) -> None:
    told = Told()
    with rotated(tmp_path, told, NEW_KEY) as (ads, old):
        refused = [ads.get(f"/{letter}/{text}") for text in old for letter in "ic"]
        assert {one.status_code for one in refused} == {404}
        for text in old:  # so that the books say what should have been counted
            told.events[Sent(Kind.IMPRESSION, text)] = True
        assert balance(ads, told, patience=CONTROL_PATIENCE_SECONDS) != []
        assert missing(ads, told) == len(old)
