"""What the public port serves beside decisions, line by line, on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adserver.core.assets import digest_of
from tests.servers import Running
from tests.serving.tickets import TICKET, said, ticket

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
