"""From prices in files to who is shown: what is left goes to whoever pays most for it."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from tests.journeys.small_blog import campaign, write_blog
from tests.servers import Running, adserver_running

PRICES = {
    "clicks": {"price": {"cpc": 3}},
    "dear": {"price": {"cpm": 2.40}, "weight": 0.01},
    "as-dear": {"price": {"cpm": 2.4}, "weight": 0.03},
    "cheap": {"price": {"cpm": 2}, "weight": 100},
    "month": {"price": {"flat": 900}, "weight": 100},
}


@pytest.fixture(scope="module")
def ads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    tmp = tmp_path_factory.mktemp("prices")
    priced = {name: campaign("top", **more) for name, more in PRICES.items()}
    with adserver_running(write_blog(tmp / "config", ["top"], priced), tmp) as running:
        yield running


@pytest.mark.parametrize(
    ("excluded", "shown"),
    [
        ("", {"clicks"}),
        ("clicks", {"dear", "as-dear"}),
        ("clicks,dear", {"as-dear"}),
        ("clicks,dear,as-dear", {"cheap"}),
        ("clicks,dear,as-dear,cheap", {"month"}),
    ],
)
def test_the_highest_ecpm_that_the_page_takes_is_shown(
    ads: Running, excluded: str, shown: set[str]
) -> None:
    for _ in range(10):
        said = ads.get("/slots/top", params={"exclude": excluded}).headers["x-ad-decision"]
        assert said.partition("campaign=")[2].partition(";")[0] in shown


def test_why_names_both_prices(ads: Running) -> None:
    done = ads.cli("why", "top", "exclude=clicks", "--format", "json")
    told = {one["campaign"]: one for one in orjson.loads(done.stdout)["candidates"]}
    assert told["as-dear"]["detail"] == "weight 0.03 of 0.04 at an eCPM of 2.40"
    assert told["as-dear"]["probability"] == pytest.approx(0.75)
    assert told["cheap"]["reason"] == "outranked"
    assert told["cheap"]["detail"] == "an eCPM of 2.40 comes before its own of 2.00"
    assert told["month"]["detail"] == (
        "an eCPM of 2.40 comes before what earns nothing by the impression"
    )
