"""From a file to a page: only those whom a campaign wants see its ad, and `why` says who not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
import yaml

from tests.journeys.small_blog import SITE, campaign, write_blog
from tests.servers import Running, adserver_running

pytestmark = pytest.mark.usefixtures("unmeasured")

CONTEXT = {"section": {"one_of": ["tech", "culture"]}, "tags": {"many": True}}
TARGETING = {
    "section": ["tech"],
    "tags": {"none": ["crime"]},
    "url": ["/2026/*"],
    "lang": ["fr"],
    "country": ["FR", "BE"],
    "device": {"none": ["mobile"]},
    "site": ["blog"],
}
RIGHT = {
    "section": "TECH",
    "tags": "vélo,café",
    "url": "https://blog.example/2026/11/a?utm=1",
    "lang": "fr-CA",
    "country": "be",
    "device": "desktop",
}
# One wrong fact, and what `why` says of it.
WRONG = [
    ("section=culture", "wants section any of `tech`; here it is `culture`"),
    ("section=", "wants section any of `tech`; here it is unknown"),
    ("tags=vélo,Crime", "wants tags none of `crime`; here it is `crime`, `vélo`"),
    (
        "url=https://blog.example/25",
        "wants url any of `/2026/*`; here it is https://blog.example/25",
    ),
    ("url=https://elsewhere.example/2026/a", "wants site any of `blog`; here it is unknown"),
    ("lang=en", "wants lang any of `fr`; here it is `en`"),
    ("country=CA", "wants country any of `FR`, `BE`; here it is `ca`"),
    ("country=", "wants country any of `FR`, `BE`; here it is unknown"),
    ("device=mobile", "wants device none of `mobile`; here it is `mobile`"),
]


@pytest.fixture(scope="module")
def ads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("targeting")
    config = write_blog(tmp / "config", ["top"], {"wanted": campaign("top", targeting=TARGETING)})
    site = yaml.safe_dump({**SITE, "context": CONTEXT}, allow_unicode=True)
    (config / "site.yaml").write_text(site, "utf-8")
    # One peer that is believed; the tests come from it, or from another.
    env = {"ADSERVER_TRUSTED_PEERS": "127.0.0.1", "ADSERVER_COUNTRY_HEADER": "X-Country"}
    with adserver_running(config, tmp, env=env) as running:
        yield running


def decision(ads: Running, facts: dict[str, str]) -> str:
    header: str = ads.get("/slots/top", params=facts).headers["x-ad-decision"]
    return header


def why(ads: Running, facts: dict[str, str]) -> dict[str, Any]:
    words = [f"{key}={value}" for key, value in facts.items() if value]
    done = ads.cli("why", "top", *words, "--format", "json")
    assert done.returncode == 0, done.stderr
    candidate: dict[str, Any] = orjson.loads(done.stdout)["candidates"][0]
    return candidate


def test_the_page_that_is_wanted_shows_the_ad(ads: Running) -> None:
    assert decision(ads, RIGHT) == "fill; campaign=wanted; creative=card"
    assert why(ads, RIGHT)["reason"] == "won"


@pytest.mark.parametrize(("wrong", "told"), WRONG)
def test_one_wrong_fact_is_enough_and_is_told(ads: Running, wrong: str, told: str) -> None:
    key, _, value = wrong.partition("=")
    facts = {**RIGHT, key: value}
    assert decision(ads, facts) == "empty; reason=targeting"
    candidate = why(ads, facts)
    assert (candidate["reason"], candidate["detail"]) == ("targeting", told)


def test_each_slot_of_a_call_has_facts_of_its_own(ads: Running) -> None:
    call = {
        "slots": ["top", {"slot": "top", "context": {"section": "culture"}}],
        "context": {key: value.split(",") for key, value in RIGHT.items() if key != "url"}
        | {"url": RIGHT["url"]},
    }
    first, second = ads.request("POST", "/decisions", json=call).json()["decisions"]
    assert first["filled"]
    assert (second["filled"], second["reason"]) == (False, "targeting")


def test_the_readers_language_is_asked_where_the_page_says_none(ads: Running) -> None:
    silent = {key: value for key, value in RIGHT.items() if key != "lang"}
    for accepted, expected in (("fr-BE,en;q=0.5", "fill"), ("en,fr;q=0.5", "empty")):
        answer = ads.get("/slots/top", params=silent, headers={"Accept-Language": accepted})
        assert answer.headers["x-ad-decision"].startswith(expected)


@pytest.mark.parametrize(
    ("said", "peer", "expected"),
    [
        ("BE", "127.0.0.1", "fill"),
        ("be", "127.0.0.1", "fill"),
        ("CA", "127.0.0.1", "empty"),
        ("XX", "127.0.0.1", "empty"),
        ("T1", "127.0.0.1", "empty"),
        ("BE", "127.0.0.2", "empty"),
    ],
)
@pytest.mark.parametrize("path", ["/slots/top", "/frame/top", "/decisions"])
def test_a_trusted_proxy_says_the_country_and_nobody_else(
    ads: Running, path: str, said: str, peer: str, expected: str
) -> None:
    facts = {key: value for key, value in RIGHT.items() if key != "country"} | {"slots": "top"}
    with httpx.Client(transport=httpx.HTTPTransport(local_address=peer)) as client:
        answer = client.get(ads.public + path, params=facts, headers={"X-Country": said})
    if path == "/decisions":
        assert answer.json()["decisions"][0]["filled"] is (expected == "fill")
    else:
        assert answer.headers["x-ad-decision"].startswith(expected)


def test_a_page_that_says_the_country_wins_over_the_proxy(ads: Running) -> None:
    answer = ads.get("/slots/top", params=RIGHT, headers={"X-Country": "CA"})
    assert answer.headers["x-ad-decision"].startswith("fill")
