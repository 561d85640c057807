"""What the public port serves beside decisions, line by line, on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adserver.core.assets import digest_of
from adserver.core.macros import NO_PEERS
from adserver.core.ticket import FLAG_CONSENT, FLAG_PREFETCH, FLAG_PREVIEW, Sealer
from tests.servers import SECRET_KEY, Running
from tests.serving.tickets import CLICKED, TICKET, said, ticket

# /h, /assets, /slots.css, /tag.js, /frame


def test_a_document_is_locked_in_by_its_own_policy(ads: Running) -> None:
    address = document_of(ads)
    answer = ads.get(address, headers={"referer": 'https://blog.example/"><script>'})
    policy = answer.headers["content-security-policy"]
    sandbox, *rest = policy.split("; ")
    assert sandbox == "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
    assert "same-origin" not in policy
    assert "default-src 'none'" in rest
    assert "cdn.example" not in policy
    assert f'href="/c/{address[3:]}"' in answer.text
    assert ">rich</i>" in answer.text
    assert answer.text.count(NO_PEERS) == 1
    assert "<script>" not in answer.text.replace(NO_PEERS, "")
    assert said(ads.get(f"/c/{address[3:]}")) in CLICKED


def document_of(ads: Running, query: str = "", **headers: str) -> str:
    """The address of a new ad's document."""
    html = ads.get(f"/slots/rich{query}", headers=headers).text
    [address] = re.findall(r'<iframe [^>]*src="(/h/[\w-]{56})"', html)
    return address


CONSENT = "?consent=1"
DECLARED = "https://cdn.example"


@pytest.mark.parametrize(
    ("query", "decided_with", "asked_with", "loads"),
    [
        (CONSENT, {}, {}, True),
        ("", {}, {}, False),
        (CONSENT, {"sec-gpc": "1"}, {}, False),
        (CONSENT, {"dnt": "1"}, {}, False),
        # A server has decided and not passed on what the reader's browser says.
        (CONSENT, {}, {"sec-gpc": "1"}, False),
        (CONSENT, {}, {"dnt": "1"}, False),
    ],
)
def test_a_document_loads_from_others_only_with_its_readers_consent(
    ads: Running, query: str, decided_with: dict[str, str], asked_with: dict[str, str], loads: bool
) -> None:
    address = document_of(ads, query, **decided_with)
    policy = ads.get(address, headers=asked_with).headers["content-security-policy"]
    assert (DECLARED in policy) is loads
    if loads:
        assert f"img-src data: {DECLARED};" in policy
    else:
        assert "http" not in policy


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_document_is_never_answered_without_its_locks(ads: Running, method: str) -> None:
    address = document_of(ads)
    headers = ads.request(method, address, headers={"if-none-match": "*"}).headers
    assert headers["content-security-policy"].startswith("sandbox allow-scripts allow-popups ")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-dns-prefetch-control"] == "off"
    assert "camera=()" in headers["permissions-policy"]
    assert "etag" not in headers


@pytest.mark.parametrize("flags", [FLAG_PREVIEW, FLAG_PREFETCH, FLAG_PREVIEW | FLAG_PREFETCH])
@pytest.mark.parametrize("agreed", [0, FLAG_CONSENT])
def test_whoever_looks_gets_the_same_document(ads: Running, flags: int, agreed: int) -> None:
    sealer = Sealer([SECRET_KEY.encode()])
    issued = sealer.unseal(document_of(ads).removeprefix("/h/"))
    address = f"/h/{sealer.seal(issued._replace(flags=flags | agreed)).decode()}"
    answer = ads.get(address, headers={"user-agent": "Examplebot/1.0 (+https://bot.example)"})
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts allow-popups ")
    assert (DECLARED in policy) is bool(agreed)


@pytest.mark.parametrize("way", ["/{}", "/h/{}/", "/h/x/../{}", "/{}?x", "/assets/{}", "/H/{}"])
def test_a_document_has_one_address(ads: Running, way: str) -> None:
    ticket_of_it = document_of(ads).removeprefix("/h/")
    for path in (way.format(ticket_of_it), way.format(f"h/{ticket_of_it}")):
        answer = ads.get(path)
        assert "Voir" not in answer.text or "sandbox" in answer.headers["content-security-policy"]


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
        folder = address.rpartition("/")[0]
        for path in (folder, f"{folder}/", f"{address}/", f"{address}/x", f"{address}%2fx"):
            assert ads.get(path).status_code == 404, path


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
    for held in (tag, f"W/{tag}", f'"a", {tag}', f'"a",W/{tag} , W/"b"', "*"):
        unchanged = ads.get(path, headers={"if-none-match": held})
        assert (unchanged.status_code, unchanged.content) == (304, b""), held
        for name in ("etag", "cache-control", "access-control-allow-origin"):
            assert unchanged.headers[name] == answer.headers[name]
    two = ads.get(path, headers=[("if-none-match", '"a"'), ("if-none-match", tag)])
    assert two.status_code == 304
    bare = tag.strip('"')
    for other in ('"other"', 'W/"other"', "", bare, f"W/{bare}", f'{tag}x, "*"', f'"{tag}"', "**"):
        assert ads.get(path, headers={"if-none-match": other}).status_code == 200, other


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
