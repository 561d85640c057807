"""The contract's section 1, line by line, on a real server."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from adserver.core.assets import digest_of
from adserver.core.page import MAX_SLOTS_PER_CALL
from adserver.core.ticket import Sealer
from tests.servers import SECRET_KEY, Running, until

TICKET = re.compile(r"/i/([\w-]{56})")
A_DAY = 86_400
FILLED = ["words", "picture", "rich", "own"]
EVENTS = ["i", "v", "c"]


def ticket(ads: Running, slot: str = "words", **options: Any) -> str:
    """A new one, of an ad just served."""
    found = TICKET.search(ads.get(f"/slots/{slot}", **options).text)
    assert found
    return found[1]


def aged(text: str, seconds: int) -> str:
    """The same ticket, as if it had been served earlier."""
    sealer = Sealer([SECRET_KEY.encode()])
    before = sealer.unseal(text)
    return sealer.seal(before._replace(time=before.time - seconds)).decode()


def said(answer: httpx.Response) -> str:
    return answer.headers["x-ad-event"]


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


def decided(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    decisions: list[dict[str, Any]] = answer.json()["decisions"]
    return decisions


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
    assert said(ads.get(one["click_url"])) == "accepted"


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
    assert [said(ads.get(f"/{kind}/{one}")) for kind in EVENTS] == ["accepted"] * 3


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
    assert (said(first), said(again)) == ("accepted", "discarded; reason=duplicate")


def test_a_click_without_an_impression_counts(ads: Running) -> None:
    assert said(ads.get(f"/c/{ticket(ads)}")) == "accepted"


def test_head_redirects_and_counts_nothing(ads: Running) -> None:
    path = f"/c/{ticket(ads)}"
    looked = ads.request("HEAD", path)
    assert (looked.status_code, looked.headers["location"]) == (302, "https://shop.example/words")
    assert "x-ad-event" not in looked.headers
    assert said(ads.get(path)) == "accepted"


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
    assert said(ads.get(f"/c/{other}")) == "accepted"


def test_a_discarded_event_answers_like_an_accepted_one(ads: Running) -> None:
    path = f"/i/{ticket(ads)}"
    one, other = ads.get(path), ads.get(path)
    same = {"date", "x-ad-event"}
    assert {k: v for k, v in one.headers.items() if k not in same} == {
        k: v for k, v in other.headers.items() if k not in same
    }


# /h, /assets, /slots.css, /tag.js, /frame


def test_a_document_is_locked_in_by_its_own_policy(ads: Running) -> None:
    html = ads.get("/slots/rich").text
    [address] = re.findall(r'<iframe [^>]*src="(/h/[\w-]{56})"', html)
    answer = ads.get(address, headers={"referer": 'https://blog.example/"><script>'})
    policy = answer.headers["content-security-policy"]
    sandbox, *rest = policy.split("; ")
    assert sandbox == "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
    assert "same-origin" not in policy
    assert "default-src 'none'" in rest
    assert "img-src data: https://cdn.example" in rest
    assert f'href="/c/{address[3:]}"' in answer.text
    assert ">rich</i>" in answer.text
    assert "<script>" not in answer.text
    assert said(ads.get(f"/c/{address[3:]}")) == "accepted"


def test_a_document_is_found_by_a_good_ticket_alone(ads: Running) -> None:
    assert ads.get(f"/h/{ticket(ads, 'words')}").status_code == 404
    assert ads.get("/h/nonsense").status_code == 404


def test_a_picture_is_kept_for_ever(ads: Running) -> None:
    html = ads.get("/slots/picture").text
    addresses = set(re.findall(r"/assets/[0-9a-f]{32}/[\w@.-]+\.png", html))
    assert len(addresses) == 3
    for address in addresses:
        answer = ads.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.content.startswith(b"\x89PNG")
        assert digest_of(answer.content) in address


@pytest.mark.parametrize("digest", ["0" * 32, "%2e%2e", "x" * 400, "é" * 32, ""])
def test_another_digest_is_nothing(ads: Running, digest: str) -> None:
    answer = ads.get(f"/assets/{digest}/b.png")
    assert (answer.status_code, answer.content) == (404, b"")


def test_a_document_is_never_an_asset_of_our_origin(ads: Running, blog: Path) -> None:
    digest = digest_of((blog / "html" / "doc.html").read_bytes())
    assert ads.get(f"/assets/{digest}/doc.html").status_code == 404


@pytest.mark.parametrize(
    ("path", "kind"), [("/slots.css", "text/css"), ("/tag.js", "text/javascript")]
)
def test_files_of_ours_are_cheap_to_ask_for_again(ads: Running, path: str, kind: str) -> None:
    answer = ads.get(path)
    assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    tag = answer.headers["etag"]
    unchanged = ads.get(path, headers={"if-none-match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["etag"] == tag
    assert ads.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_the_stylesheet_reserves_every_slot(ads: Running) -> None:
    css = ads.get("/slots.css").text
    for slot in ("words", "unsold", "folded"):
        assert f'[data-slot="{slot}"]{{--ad-width:728px;--ad-height:90px}}' in css


def test_a_frame_decides_and_carries_its_beacon(ads: Running) -> None:
    answer = ads.get("/frame/words")
    assert answer.headers["x-ad-decision"] == "fill; campaign=words; creative=card"
    assert answer.text.startswith("<!doctype html>")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    [one] = TICKET.findall(answer.text)
    assert said(ads.get(f"/i/{one}")) == "accepted"
    assert ads.get("/frame/wrods").status_code == 404
    assert ads.get("/frame/unsold").status_code == 200


# Always


def every_kind_of_answer(ads: Running) -> list[tuple[str, str]]:
    one = ticket(ads)
    return [
        ("GET", "/slots/words"),
        ("GET", "/slots/unsold"),
        ("GET", "/slots/absent"),
        ("GET", "/decisions?slots=words"),
        ("GET", "/decisions"),
        ("GET", f"/i/{one}"),
        ("POST", f"/v/{one}"),
        ("GET", f"/c/{one}"),
        ("GET", "/i/nonsense"),
        ("GET", f"/h/{ticket(ads, 'rich')}"),
        ("GET", "/frame/words"),
    ]


def test_decisions_and_events_are_never_stored(ads: Running) -> None:
    for method, path in every_kind_of_answer(ads):
        assert ads.request(method, path).headers["cache-control"] == "no-store", path


def test_any_page_may_ask_without_credentials_and_read_the_headers(ads: Running) -> None:
    files = [("GET", "/slots.css"), ("GET", "/tag.js"), ("GET", "/assets/x/y")]
    for method, path in [*every_kind_of_answer(ads), *files]:
        headers = ads.request(method, path, headers={"origin": "https://blog.example"}).headers
        assert headers["access-control-allow-origin"] == "*", path
        assert headers["access-control-expose-headers"] == "X-Ad-Decision, X-Ad-Event", path
        assert "access-control-allow-credentials" not in headers
        assert "set-cookie" not in headers


@pytest.mark.parametrize("path", ["/decisions", "/slots/words", "/i/x", "/tag.js"])
def test_a_browser_may_ask_whether_it_may_ask(ads: Running, path: str) -> None:
    asked = {"origin": "https://blog.example", "access-control-request-method": "POST"}
    answer = ads.request("OPTIONS", path, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "Content-Type"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/slots/words", "GET, HEAD"),
        ("POST", "/c/x", "GET, HEAD"),
        ("DELETE", "/i/x", "GET, HEAD, POST"),
        ("PUT", "/decisions", "GET, HEAD, POST"),
    ],
)
def test_another_method_is_told_which_it_may_be(
    ads: Running, method: str, path: str, allowed: str
) -> None:
    answer = ads.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/slots/words", "/frame/words", "/tag.js", "/slots.css"])
def test_head_answers_as_get_would_without_the_body(ads: Running, path: str) -> None:
    looked, read = ads.request("HEAD", path), ads.get(path)
    assert looked.status_code == 200
    assert looked.content == b""
    assert looked.headers["content-length"] == read.headers["content-length"]


def test_elsewhere_there_is_nothing(ads: Running) -> None:
    for path in ("/", "/admin", "/metrics", "/readyz", "/slots", "/favicon.ico"):
        assert ads.get(path).status_code in {400, 404}, path


def raw_status(ads: Running, target: bytes, *headers: bytes) -> int:
    """The status of a request that no client library would send."""
    address = urlsplit(ads.public)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        lines = [b"GET " + target + b" HTTP/1.1", b"Host: h", b"Connection: close", *headers]
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        first = connection.makefile("rb").readline()
    return int(first.split()[1])


HOSTILE = [
    b"/slots/" + b"x" * 20_000,
    b"/slots/words?" + b"a=b&" * 5_000,
    b"/slots/words?" + b"&".join(b"p%d=1" % n for n in range(65)),
    b"/slots/words?url=%00%ff%fe&lang[]=fr&lang[a]=b&=&&;",
    b"/slots/words?url=https://[::1&device=%f0%9f%92%a9",
    b"/slots/words?exclude=" + b"," * 4_000,
    b"/slots/%2e%2e/%2e%2e/etc/passwd",
    b"/slots/../../etc/passwd",
    b"/slots/%00",
    b"/slots/%ff%fe",
    b"/slots/%0d%0aSet-Cookie:%20a=b",
    b"/slots/\xc3\xa9",
    b"/frame/%3Cscript%3E",
    b"/decisions?slots=" + b"%2C" * 1_000,
    b"/decisions?slots=%ff,%00,words",
    b"/assets/%2e%2e%2f%2e%2e/x",
    b"/assets/" + b"a" * 32,
    b"/i/" + b"A" * 56,
    b"/c/" + b"-" * 56,
    b"/h/%2F%2F",
    b"//slots//words",
    b"/%",
    b"*",
    b"http://evil.example/slots/words",
    b"/slots.css?" + b"\x7f",
]


@pytest.mark.parametrize("target", HOSTILE, ids=lambda target: ascii(target[:40]))
def test_nothing_that_a_page_can_send_is_an_error_of_ours(ads: Running, target: bytes) -> None:
    assert raw_status(ads, target) < 500


@pytest.mark.parametrize(
    "header",
    [
        b"Referer: \xff\xfe",
        b"Referer: https://[",
        b"User-Agent: " + b"x" * 8_000,
        b"Accept-Language: ;q=,,;q=nan,\xe9",
        b"Sec-Purpose: \x80",
        b"If-None-Match: \xff",
        b"Host: evil.example",
        b"X-Forwarded-For: 127.0.0.1",
    ],
    ids=ascii,
)
def test_no_header_is_an_error_of_ours(ads: Running, header: bytes) -> None:
    for target in (b"/slots/words", b"/decisions?slots=words", b"/slots.css"):
        assert raw_status(ads, target, header) in {200, 400}


def test_nothing_of_all_that_was_a_defect(ads: Running) -> None:
    """Whatever the other tests of this file have sent."""
    assert ads.get("/slots/picture").status_code == 200  # it may be the first of them
    until(lambda: 'route="/slots"' in ads.metrics())
    assert not re.search(r'http_requests_total{code="5', ads.metrics())
    assert "Traceback" not in ads.log


# Addresses


def test_without_a_public_address_every_one_is_relative_to_the_root(ads: Running) -> None:
    html = ads.get("/slots/picture", headers={"host": "evil.example"}).text
    assert "evil" not in html
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert addresses
    assert all(address.startswith("/") for address in addresses)


def test_with_a_public_address_every_one_begins_with_it(behind_proxy: Running) -> None:
    html = behind_proxy.get("/slots/picture").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert addresses
    assert all(address.startswith("https://www.example/ads/") for address in addresses)
    [one] = decided(behind_proxy.get("/decisions?slots=words"))
    assert one["click_url"].startswith("https://www.example/ads/c/")


def test_a_proxy_may_pass_the_path_of_the_public_address_on_or_strip_it(
    behind_proxy: Running,
) -> None:
    for prefix in ("", "/ads"):
        assert behind_proxy.get(f"{prefix}/slots/words").status_code == 200
        one = ticket(behind_proxy)
        assert said(behind_proxy.get(f"{prefix}/i/{one}")) == "accepted"
    assert behind_proxy.get("/adslots/words").status_code == 404
    assert behind_proxy.get("/ads").status_code == 404


# Before any apply, and on the admin port


def test_before_any_apply_it_is_up_and_not_ready_and_the_first_one_changes_that(
    unapplied: Running,
) -> None:
    answer = unapplied.get("/slots/words")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["x-ad-decision"] == "empty; reason=no_campaign"
    assert httpx.get(f"{unapplied.admin}/livez").status_code == 200
    ready = httpx.get(f"{unapplied.admin}/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)

    assert unapplied.cli("apply", "--yes").returncode == 0
    until(lambda: unapplied.get("/slots/words").headers["x-ad-decision"].startswith("fill"), 2.0)
    until(lambda: httpx.get(f"{unapplied.admin}/readyz").status_code == 200)


def test_it_is_ready_with_what_it_serves(ads: Running) -> None:
    ready = httpx.get(f"{ads.admin}/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "generation": 1, "store": "up", "workers": 1}
