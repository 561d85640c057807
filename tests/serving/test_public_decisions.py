"""Slots, decisions and frequency caps of the public port, line by line, on a real server."""

from __future__ import annotations

import re

import pytest

from adserver.core.page import MAX_SLOTS_PER_CALL
from tests.servers import Running
from tests.serving.tickets import CLICKED, FILLED, TICKET, decided, said

# GET /slots/{slot}


@pytest.mark.parametrize("slot", FILLED)
def test_a_slot_is_one_wrapper_with_its_beacon_inside(ads: Running, slot: str) -> None:
    answer = ads.get(f"/slots/{slot}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<aside ")
    assert answer.text.endswith("</aside>")
    assert answer.text.count("<aside") == 1
    assert len(TICKET.findall(answer.text)) == 1
    assert f'data-slot="{slot}"' in answer.text


def test_the_decision_is_told_in_a_header(ads: Running) -> None:
    answer = ads.get("/slots/words")
    assert answer.headers["x-ad-decision"] == "fill; campaign=words; creative=card"
    assert 'data-campaign="words" data-creative="card"' in answer.text


def test_an_unsold_place_is_the_reserved_empty_wrapper(ads: Running) -> None:
    answer = ads.get("/slots/unsold")
    assert answer.status_code == 200
    assert answer.headers["x-ad-decision"] == "empty; reason=no_campaign"
    assert answer.text == ('<aside class="adserver" data-slot="unsold" aria-hidden="true"></aside>')


def test_a_place_that_collapses_is_an_empty_body(ads: Running) -> None:
    answer = ads.get("/slots/folded")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-ad-decision"] == "empty; reason=no_campaign"


def test_an_empty_place_reports_the_furthest_that_anybody_came(ads: Running) -> None:
    assert ads.get("/slots/later").headers["x-ad-decision"] == "empty; reason=not_started"


def test_an_unknown_slot_is_an_empty_404_with_the_nearest_name(ads: Running) -> None:
    answer = ads.get("/slots/wrods")
    assert (answer.status_code, answer.content) == (404, b"")
    assert answer.headers["x-ad-decision"] == "empty; reason=unknown_slot; hint=words"
    assert ads.get("/slots/").headers["x-ad-decision"] == "empty; reason=unknown_slot"


def test_what_marketers_write_is_escaped(ads: Running) -> None:
    assert "Café &lt;de&gt; saison" in ads.get("/slots/words").text


def test_a_device_has_its_picture_first(ads: Running) -> None:
    assert 'width="728" height="90"' in ads.get("/slots/picture").text.partition("<img")[2]
    mobile = ads.get("/slots/picture", headers={"sec-ch-ua-mobile": "?1"}).text
    assert 'width="320" height="100"' in mobile.partition("<img")[2]


@pytest.mark.parametrize(
    ("query", "headers", "label"),
    [
        ("", {}, "Publicité"),
        ("?lang=en", {}, "Advertisement"),
        ("", {"accept-language": "en-GB,fr;q=0.5"}, "Advertisement"),
        ("?lang=fr-CA", {"accept-language": "en"}, "Publicité"),
    ],
)
def test_the_words_around_an_ad_are_in_the_pages_language(
    ads: Running, query: str, headers: dict[str, str], label: str
) -> None:
    assert f"<summary>{label}</summary>" in ads.get(f"/slots/words{query}", headers=headers).text


def test_no_wrapper_needs_more_than_a_strict_policy_allows(ads: Running) -> None:
    for slot in FILLED:
        html = ads.get(f"/slots/{slot}").text
        assert "<script" not in html
        assert "style" not in html.replace("adserver", "")
        assert not re.search(r"\son\w+=", html)
        assert 'rel="sponsored nofollow noopener" target="_blank"' in html or "<iframe" in html


def test_a_page_can_exclude_what_it_shows_already(ads: Running) -> None:
    one = ads.get("/slots/sold?exclude=first,x").headers["x-ad-decision"]
    assert one == "fill; campaign=second; creative=card"
    none = ads.get("/slots/sold?exclude=first&exclude=second").headers["x-ad-decision"]
    assert none == "empty; reason=excluded"


# /decisions


def test_a_page_asks_for_all_its_slots_in_one_call(ads: Running) -> None:
    answer = ads.get("/decisions?slots=words,unsold&slots=picture")
    assert answer.json()["generation"] == 1
    filled, empty, picture = decided(answer)
    assert [filled["slot"], empty["slot"], picture["slot"]] == ["words", "unsold", "picture"]
    assert {k: filled[k] for k in ("filled", "campaign", "creative", "tier", "kind", "size")} == {
        "filled": True,
        "campaign": "words",
        "creative": "card",
        "tier": "remnant",
        "kind": "text",
        "size": "728x90",
    }
    assert (empty["filled"], empty["reason"]) == (False, "no_campaign")
    assert (picture["kind"], picture["parts"]["alt"]) == ("image", "Café")


def test_html_of_a_decision_carries_no_beacon_its_caller_sends_it(ads: Running) -> None:
    [one] = decided(ads.get("/decisions?slots=words"))
    assert "/i/" not in one["html"]
    assert said(ads.get(one["impression_url"])) == "accepted"
    assert said(ads.get(one["viewable_url"])) == "accepted"
    assert said(ads.get(one["click_url"])) in CLICKED


def test_decisions_of_one_call_are_made_together(ads: Running) -> None:
    for _ in range(10):
        shown = decided(ads.get("/decisions?slots=sold,sold,sold"))
        assert sorted(one.get("campaign", "") for one in shown) == ["", "first", "second"]
        assert shown[2]["reason"] == "duplicate"


def test_an_unknown_slot_in_a_call_is_no_error(ads: Running) -> None:
    unknown, known = decided(ads.get("/decisions?slots=wrods,words"))
    assert unknown == {"slot": "wrods", "filled": False, "reason": "unknown_slot", "hint": "words"}
    assert known["filled"]


def test_a_server_posts_each_slot_with_its_own_context(ads: Running) -> None:
    body = {
        "slots": ["words", {"slot": "picture", "context": {"device": "mobile"}}],
        "context": {"url": "https://blog.example/a", "lang": "en", "section": "tech"},
    }
    words, picture = decided(ads.request("POST", "/decisions", json=body))
    assert (words["size"], picture["size"]) == ("728x90", "320x100")
    assert words["parts"]["label"] == "Advertisement"


def test_as_many_slots_as_a_call_may_have_are_answered(ads: Running) -> None:
    slots = ",".join(["words"] * MAX_SLOTS_PER_CALL)
    assert len(decided(ads.get(f"/decisions?slots={slots}"))) == MAX_SLOTS_PER_CALL
    answer = ads.get(f"/decisions?slots={slots},one-more")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "33 slots, at most 32 a call",
        "hint": "GET /decisions?slots=post-top,post-bottom",
    }


@pytest.mark.parametrize("body", ["", "slots=a", "[]", '{"slots": 1}', '{"slots": [{}]}'])
def test_a_malformed_call_is_told_what_to_send(ads: Running, body: str) -> None:
    answer = ads.request("POST", "/decisions", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error", "hint"}


def test_a_call_without_slots_is_malformed(ads: Running) -> None:
    assert ads.get("/decisions").status_code == 400
    assert ads.get("/decisions/words").status_code == 404


VISITOR = {"slots": ["picture"], "visitor": {"ip": "192.0.2.1", "user_agent": "iPhone Mobile"}}


def test_a_visitor_told_by_a_stranger_is_ignored(ads: Running) -> None:
    [one] = decided(ads.request("POST", "/decisions", json=VISITOR))
    assert one["size"] == "728x90"
    assert 'context_ignored_total{reason="untrusted_visitor"}' in ads.metrics()


def test_a_visitor_told_by_a_trusted_peer_is_used(behind_proxy: Running) -> None:
    [one] = decided(behind_proxy.request("POST", "/decisions", json=VISITOR))
    assert one["size"] == "320x100"


@pytest.mark.parametrize(
    "said",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-For": ""},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "203.0.113.7"},
    ],
)
def test_a_visitor_that_a_reader_tells_through_a_trusted_proxy_is_ignored(
    behind_proxy: Running, said: dict[str, str]
) -> None:
    [one] = decided(behind_proxy.request("POST", "/decisions", json=VISITOR, headers=said))
    assert one["size"] == "728x90"
    [one] = decided(behind_proxy.request("POST", "/decisions", json=SEEN, headers=said))
    assert one["filled"]
    assert 'context_ignored_total{reason="untrusted_visitor"}' in behind_proxy.metrics()


# Frequency caps


def test_a_decision_says_how_often_its_campaign_may_be_seen(ads: Running) -> None:
    often, words = decided(ads.get("/decisions?slots=often,words"))
    assert often["frequency"] == {"impressions": 3, "per": "day"}
    assert "frequency" not in words


@pytest.mark.parametrize("way", ["/slots/often", "/frame/often"])
def test_a_campaign_seen_to_its_cap_leaves_its_place_empty(ads: Running, way: str) -> None:
    capped = ads.get(f"{way}?capped=words,often")
    assert capped.headers["x-ad-decision"] == "empty; reason=frequency"
    assert ads.get(f"{way}?capped=words").headers["x-ad-decision"].startswith("fill; ")


def test_a_campaign_without_a_cap_cannot_be_seen_to_it(ads: Running) -> None:
    often, words = decided(ads.get("/decisions?slots=often,words&capped=often,words"))
    assert (often["reason"], words["filled"]) == ("frequency", True)


@pytest.mark.parametrize("signal", ["Sec-GPC", "DNT"])
def test_a_privacy_signal_switches_frequency_caps_off(ads: Running, signal: str) -> None:
    [one] = decided(ads.get("/decisions?slots=often&capped=often", headers={signal: "1"}))
    assert one["filled"]
    assert "frequency" not in one
    assert 'context_ignored_total{reason="privacy_signal"}' in ads.metrics()


SEEN = {"slots": ["often"], "visitor": {"capped": ["often"]}}


def test_what_a_stranger_says_that_a_visitor_has_seen_is_ignored(ads: Running) -> None:
    [one] = decided(ads.request("POST", "/decisions", json=SEEN))
    assert one["filled"]


def test_what_a_trusted_peer_says_that_its_visitor_has_seen_is_used(behind_proxy: Running) -> None:
    [one] = decided(behind_proxy.request("POST", "/decisions", json=SEEN))
    assert one["reason"] == "frequency"


def test_empty_places_for_frequency_are_counted_from_zero(ads: Running) -> None:
    assert 'no_fill_total{reason="frequency",slot="words"} 0.0' in ads.metrics()
