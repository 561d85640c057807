"""Events of the public port, line by line, on a real server."""

from __future__ import annotations

import json

import pytest

from adserver.core.ticket import Sealer
from tests.servers import SECRET_KEY, Running, until
from tests.serving.tickets import A_DAY, CLICKED, EVENTS, aged, said, ticket

# /i /v /c


@pytest.mark.parametrize("kind", ["i", "v"])
def test_a_beacon_is_a_pixel_that_counts_once(ads: Running, kind: str) -> None:
    path = f"/{kind}/{ticket(ads)}"
    first, again = ads.get(path), ads.get(path)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/gif")
    assert first.content == again.content
    assert first.content.startswith(b"GIF89a")
    assert said(first) == "accepted"
    assert said(again) == "discarded; reason=duplicate"


@pytest.mark.parametrize("kind", ["i", "v"])
def test_a_posted_beacon_needs_no_answer(ads: Running, kind: str) -> None:
    path = f"/{kind}/{ticket(ads)}"
    answer = ads.request("POST", path, content=b"ignored")
    assert (answer.status_code, answer.content, said(answer)) == (204, b"", "accepted")
    assert "content-length" not in answer.headers
    assert said(ads.request("POST", path)) == "discarded; reason=duplicate"


def test_impression_viewable_and_click_of_one_ad_count_apart(ads: Running) -> None:
    one = ticket(ads)
    shown, viewable, click = [said(ads.get(f"/{kind}/{one}")) for kind in EVENTS]
    assert (shown, viewable) == ("accepted", "accepted")
    assert click in CLICKED


def test_looking_at_a_beacon_counts_nothing(ads: Running) -> None:
    path = f"/i/{ticket(ads)}"
    assert ads.request("HEAD", path).status_code == 200
    assert said(ads.get(path)) == "accepted"


def test_a_click_leads_to_the_creatives_link_once_counted(ads: Running) -> None:
    path = f"/c/{ticket(ads, 'picture')}"
    first, again = ads.get(path), ads.get(path)
    assert (first.status_code, again.status_code) == (302, 302)
    assert first.headers["location"] == "https://shop.example/picture?c=picture"
    assert again.headers["location"] == first.headers["location"]
    assert said(first) in CLICKED
    assert said(again) == "discarded; reason=duplicate"


def test_a_click_without_an_impression_counts(ads: Running) -> None:
    assert said(ads.get(f"/c/{ticket(ads)}")) in CLICKED


def test_head_redirects_and_counts_nothing(ads: Running) -> None:
    path = f"/c/{ticket(ads)}"
    looked = ads.request("HEAD", path)
    assert (looked.status_code, looked.headers["location"]) == (302, "https://shop.example/words")
    assert "x-ad-event" not in looked.headers
    assert said(ads.get(path)) in CLICKED


@pytest.mark.parametrize(
    "steering",
    ["?url=https://evil.example", "?to=//evil", "?adurl=https://evil.example", "?%0d%0aX: y", "#x"],
)
def test_nobody_can_steer_a_click(ads: Running, steering: str) -> None:
    answer = ads.get(f"/c/{ticket(ads)}{steering}", headers={"host": "evil.example"})
    assert answer.headers["location"] == "https://shop.example/words"


@pytest.mark.parametrize("kind", EVENTS)
def test_a_ticket_that_is_not_ours_is_not_found(ads: Running, kind: str) -> None:
    forged = Sealer([b"x" * 32]).seal(Sealer([SECRET_KEY.encode()]).unseal(ticket(ads))).decode()
    answer = ads.get(f"/{kind}/{forged}")
    assert (answer.status_code, answer.content) == (404, b"")
    assert said(answer) == "discarded; reason=forged"
    good = ticket(ads)
    for text in ("", "x", good[:-1], good + "A", good + "/", "%00" * 16, "é" * 56):
        answer = ads.get(f"/{kind}/{text}")
        assert (answer.status_code, answer.content) == (404, b"")


def test_a_ticket_lives_a_day(ads: Running) -> None:
    one = ticket(ads)
    assert said(ads.get(f"/i/{aged(one, A_DAY - 60)}")) == "accepted"
    old = aged(ticket(ads), A_DAY + 60)
    answer = ads.get(f"/i/{old}")
    assert (answer.status_code, said(answer)) == (200, "discarded; reason=expired")
    click = ads.get(f"/c/{old}")
    assert (click.status_code, said(click)) == (302, "discarded; reason=expired")
    assert click.headers["location"] == "https://shop.example/words"


def test_a_prefetched_page_is_served_and_its_events_are_discarded(ads: Running) -> None:
    one = ticket(ads, headers={"sec-purpose": "prefetch;prerender"})
    assert said(ads.get(f"/i/{one}")) == "discarded; reason=prefetch"
    other = ticket(ads)
    prefetched = ads.get(f"/c/{other}", headers={"sec-purpose": "prefetch"})
    assert said(prefetched) == "discarded; reason=prefetch"
    assert said(ads.get(f"/c/{other}")) in CLICKED


def test_a_robot_is_served_and_what_it_sends_does_not_count(ads: Running) -> None:
    crawler = {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://google.com/bot.html)"}
    before = discarded_bots(ads)
    path = f"/i/{ticket(ads, 'picture', headers=crawler)}"
    shown, click = (ads.get(one, headers=crawler) for one in (path, path.replace("/i/", "/c/")))
    assert (shown.status_code, said(shown)) == (200, "discarded; reason=bot")
    assert shown.content.startswith(b"GIF89a")
    assert (click.status_code, said(click)) == (302, "discarded; reason=bot")
    assert click.headers["location"] == "https://shop.example/picture?c=picture"
    assert said(ads.get(path)) == "accepted", "the same ad, seen by a person"
    until(lambda: discarded_bots(ads) == (before[0] + 1, before[1] + 1))


def discarded_bots(ads: Running) -> tuple[int, int]:
    """Impressions and clicks, as the report has them."""
    discarded = json.loads(ads.cli("report", "--format", "json").stdout)["discarded"]
    return discarded["impression"].get("bot", 0), discarded["click"].get("bot", 0)


def test_a_discarded_event_answers_like_an_accepted_one(ads: Running) -> None:
    path = f"/i/{ticket(ads)}"
    one, other = ads.get(path), ads.get(path)
    same = {"date", "x-ad-event"}
    assert {k: v for k, v in one.headers.items() if k not in same} == {
        k: v for k, v in other.headers.items() if k not in same
    }
