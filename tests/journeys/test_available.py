"""Can I sell this? From requests that a server counted and sampled to a number, by the command."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import orjson
import pytest
import redis
import yaml

from adserver.core.forecast import HOUR_SECONDS
from adserver.core.hour import hour_at
from adserver.store.keys import Keys
from tests.journeys.small_blog import SITE, campaign, write_blog
from tests.servers import Running, adserver_running, run_command, until

pytestmark = pytest.mark.usefixtures("unmeasured")

KEYS = Keys("adserver")
ZONE = SITE["timezone"]
REQUESTS, WEEKS = 100, 4
TOMORROW = date.today() + timedelta(days=2)  # noqa: DTZ011 - in any zone it is to come
NEXT_WEEK = ("--first-day", f"{TOMORROW}", "--last-day", f"{TOMORROW + timedelta(days=6)}")


@pytest.fixture(scope="module")
def ads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("available")
    sponsor = campaign(
        "top", tier="sponsorship", goal={"share": "40%"}, targeting={"section": ["tech"]}
    )
    config = write_blog(tmp / "config", ["top", "bottom"], {"sponsor": sponsor})
    sections = {"section": {"one_of": ["tech", "culture"]}}
    site = yaml.safe_dump({**SITE, "context": sections}, allow_unicode=True)
    (config / "site.yaml").write_text(site, "utf-8")
    with adserver_running(config, tmp) as running:
        yield running


@pytest.fixture(scope="module")
def learnt(ads: Running) -> Running:
    """Four weeks of hours as a server counts them, and readers of today, a quarter of tech."""
    with redis.Redis.from_url(ads.redis) as store:
        pipeline, now = store.pipeline(transaction=False), time.time()
        for back in range(1, WEEKS * 7 * 24):
            hour = hour_at(now - back * HOUR_SECONDS, ZONE)
            pipeline.zadd(KEYS.hours(0), {hour.name: hour.begin})
            pipeline.hset(KEYS.counts(0, hour.name), "r:0:1:1", REQUESTS)
        pipeline.execute()
        for n in range(40):
            section = "tech" if n % 4 == 0 else "culture"
            ads.get("/slots/top", params={"section": section, "url": f"https://blog.example/{n}"})
        until(lambda: store.hget(KEYS.traffic, "#through"), 60)
        until(lambda: list(store.scan_iter("adserver:{catalog}:samples:1:*")), 60)
    return ads


def asked(ads: Running, *words: str) -> dict[str, Any]:
    done = ads.cli("available", *words, "--format", "json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return answer


def test_a_week_of_the_slot(learnt: Running) -> None:
    answer = asked(learnt, "top", *NEXT_WEEK)
    week = 7 * 24 * REQUESTS
    assert answer["requests"] == pytest.approx(week, rel=0.02)
    assert answer["days"] in (27, 28)
    assert answer["samples"] == 40
    assert answer["low"] < answer["available"] < answer["high"]
    assert answer["competing"] == [
        {
            "campaign": "sponsor",
            "tier": "sponsorship",
            "state": "ready",
            "takes": pytest.approx(week * 0.25 * 0.4, rel=0.03),
        }
    ]
    assert answer["available"] == pytest.approx(week * 0.9, rel=0.03)


def test_a_week_of_one_section(learnt: Running) -> None:
    answer = asked(learnt, "top", *NEXT_WEEK, "section=tech")
    assert answer["share"] == 0.25
    assert answer["available"] == pytest.approx(7 * 24 * REQUESTS * 0.25 * 0.6, rel=0.03)
    assert asked(learnt, "top", *NEXT_WEEK, "section=culture")["competing"] == []


def test_a_slot_that_nobody_has_asked_for(learnt: Running) -> None:
    done = learnt.cli("available", "bottom")
    told = "Error: less than a day of bottom is counted; a forecast needs 7 days.\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_without_a_store_it_says_so(learnt: Running) -> None:
    away = {**learnt.env, "ADSERVER_REDIS": "redis://127.0.0.1:1"}
    done = run_command(learnt.folder, away, "available", "top")
    assert done.returncode == 3
