"""Attacks on tickets: one text opens to one ad, counts once, and nothing near it counts at all."""

from __future__ import annotations

import string
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from adserver.core.ticket import TEXT_LENGTH, Sealer, Ticket
from tests.factories import NOW
from tests.serving.attacked import BANNER, CARD, DOCUMENT, LINK, Target, attacked, harm
from tests.serving.memory import LIFE_SECONDS, SECRET, WRITER

ROUTES = ("i", "v", "c", "h")
FULL_WIDTH = 0xFEE0
FORGED = "discarded; reason=forged"


@pytest.fixture(scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with attacked(tmp_path_factory.mktemp("tickets")) as one:
        yield one


async def refused(target: Target, text: str, routes: tuple[str, ...] = ROUTES) -> None:
    """By every route, without a count, and without a word of it in the answer."""
    for route in routes:  # what is counted of refusals has its series now
        await target.get(f"/{route}/none")
    before, series = await target.events(), target.series()
    for route in routes:
        answer = await target.get(f"/{route}/{quote(text)}")
        found = harm(answer, "GET", f"/{route}/x", (404,), [text] if len(text) > 4 else [])
        assert found == [], (route, text)
        assert answer.headers.get("x-ad-event", FORGED) == FORGED
    assert await target.events() == before
    assert target.series() == series


def other(letter: str) -> str:
    return "A" if letter != "A" else "B"


async def test_a_good_ticket_counts_at_every_route_so_that_the_others_can_fail(
    target: Target,
) -> None:
    before = await target.events()
    text = target.ticket(DOCUMENT)
    assert [(await target.get(f"/{route}/{text}")).status for route in ROUTES] == [
        200, 200, 302, 200
    ]  # fmt: skip
    assert await target.events() == {metric: count + 1 for metric, count in before.items()}


async def test_every_letter_changed_is_refused(target: Target) -> None:
    text = target.ticket(DOCUMENT)
    for at in range(TEXT_LENGTH):
        await refused(target, text[:at] + other(text[at]) + text[at + 1 :], (ROUTES[at % 4],))


def test_every_bit_changed_is_no_ticket_of_ours(target: Target) -> None:
    from base64 import urlsafe_b64decode, urlsafe_b64encode

    from adserver.core.errors import TicketError

    text = target.ticket()
    raw = urlsafe_b64decode(text)
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(TicketError):
            target.state.sealer.unseal(urlsafe_b64encode(changed).decode())


async def test_every_truncation_and_every_addition_is_refused(target: Target) -> None:
    text = target.ticket(DOCUMENT)
    for length in range(TEXT_LENGTH):
        await refused(target, text[:length], (ROUTES[length % 4],))
    for added in ("A", "=", "==", "\n", "\0", " ", "/", "/x", ".gif", "?", "#", text):
        await refused(target, text + added)
        await refused(target, added + text)


async def test_no_other_spelling_is_a_second_identity(target: Target) -> None:
    """Of base64 with another alphabet, padded, or with what decoders skip."""
    text = next(one for one in (target.ticket() for _ in range(1_000)) if "-" in one and "_" in one)
    for spelling in (
        text.replace("-", "+").replace("_", "/"),
        text[:-1] + "=",
        text[:28] + "\n" + text[28:],
        text[:28] + " " + text[29:],
        text.swapcase(),
        text.translate(
            str.maketrans(string.ascii_uppercase, "".join(map(chr, range(0xFF21, 0xFF3B))))
        ),
    ):
        await refused(target, spelling, ("i", "c"))
    # Percent-encoded it is the same address (RFC 3986, 6.2.2.2), and the same ad.
    before = await target.events()
    encoded = "".join(f"%{ord(letter):02X}" for letter in text)
    first, second = await target.get(f"/i/{encoded}"), await target.get(f"/i/{text}")
    assert first.headers["x-ad-event"] == "accepted"
    assert second.headers["x-ad-event"] == "discarded; reason=duplicate"
    assert (await target.events())["i"] == before["i"] + 1


@pytest.mark.parametrize("secret", [b"another installation's signing key", b"", SECRET + b"x"])
async def test_another_key_is_refused_as_forged(target: Target, secret: bytes) -> None:
    one = Ticket(WRITER, 9_001, CARD, 1, 1, int(NOW), 0, 1, 1, 0)
    await refused(target, Sealer([secret]).seal(one).decode())


@pytest.mark.parametrize("version", [0, 2, 255])
async def test_another_version_is_refused_even_if_its_seal_is_good(
    target: Target, version: int
) -> None:
    sealer = target.state.sealer
    ticket = Ticket(WRITER, 9_002, CARD, 1, 1, int(NOW), 0, 1, 1, 0)
    await refused(target, sealer.seal_whole((version, sealer.key_id, *ticket)).decode())


async def test_only_an_html_creatives_ticket_opens_a_document(target: Target) -> None:
    for creative in (CARD, BANNER, 99):
        answer = await target.get(f"/h/{target.ticket(creative)}")
        assert harm(answer, "GET", "/h/x", (404,)) == []
    assert (await target.get(f"/h/{target.ticket(DOCUMENT)}")).status == 200


@pytest.mark.parametrize("path", ["/i/", "/slots/", "/assets/{}/x.png", "/frame/{}", "/{}"])
async def test_a_ticket_is_good_for_nothing_elsewhere(target: Target, path: str) -> None:
    before = await target.events()
    answer = await target.get(path.format(target.ticket()))
    assert answer.status == 404
    assert await target.events() == before


@pytest.mark.parametrize("age", [LIFE_SECONDS + 1, -LIFE_SECONDS - 1, 2**31, -(2**31) + 1])
async def test_by_a_second_it_is_too_late_or_too_early(target: Target, age: int) -> None:
    before = await target.events()
    text = target.ticket(time=(int(NOW) - age) % 2**32)
    for route, status in (("i", 200), ("v", 200), ("c", 302)):
        answer = await target.get(f"/{route}/{text}")
        assert harm(answer, "GET", f"/{route}/x", (status,)) == []
        assert answer.headers["x-ad-event"] == "discarded; reason=expired"
    assert await target.events() == before


@pytest.mark.parametrize("age", [LIFE_SECONDS, -LIFE_SECONDS])
async def test_at_the_last_second_it_counts(target: Target, age: int) -> None:
    answer = await target.get(f"/i/{target.ticket(age=age)}")
    assert answer.headers["x-ad-event"] == "accepted"


async def test_however_often_and_by_whatever_method_it_counts_once(target: Target) -> None:
    before, text = await target.events(), target.ticket()
    for method in ("GET", "POST", "HEAD", "OPTIONS", "GET", "POST"):
        await target.send(
            f"{method} /i/{text} HTTP/1.1".encode(), body=b"" if method == "POST" else None
        )
    for query in ("", "?x=1", "?x=2", "?" + "y" * 100):
        await target.get(f"/i/{text}{query}")
    after = await target.events()
    assert after == {**before, "i": before["i"] + 1}


async def test_numbers_that_no_catalog_has_are_answered_and_name_nothing(target: Target) -> None:
    """Of a ticket with a good seal, as a thief of the key would make it."""
    series = target.series()
    for number in range(200):
        text = target.ticket(creative=1_000 + number, campaign=2_000 + number, slot=3_000 + number)
        for route, status in (("i", 200), ("c", 404), ("h", 404)):
            answer = await target.get(f"/{route}/{text}")
            assert harm(answer, "GET", f"/{route}/x", (status,)) == []
    await target.events()
    assert target.series() <= series + 6


# Another installation


async def test_a_ticket_is_good_in_no_installation_with_another_key(
    target: Target, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each has a key of its own, unless somebody has given it that of another."""
    async with attacked(tmp_path_factory.mktemp("other")) as elsewhere:
        elsewhere.state.sealer = Sealer([b"the key of the other installation"])
        await refused(elsewhere, target.ticket())
        await refused(target, elsewhere.ticket())


# Clicks

STEERING = (
    "url=https://evil.example/",
    "dest=https://evil.example/",
    "oadest=https://evil.example/",
    "ct0=https://evil.example/",
    "adurl=https://evil.example/",
    "redirect=//evil.example",
    "u=%2F%2Fevil.example&r=1&next=1&link=https%3A%2F%2Fevil.example",
    "url[]=https://evil.example",
    "%0d%0aLocation:%20https://evil.example/",
    "x=%0d%0a%0d%0a<script>",
    "page=https://evil.example&campaign=evil&creative=evil&random=1&slot=evil",
    "%%random%%=1&%25%25campaign%25%25=evil",
    "?url=https://evil.example",
    "/../https://evil.example",
)


@pytest.mark.parametrize("query", STEERING)
async def test_a_click_leads_where_the_catalog_says_byte_for_byte(
    target: Target, query: str
) -> None:
    serial_of = (WRITER << 32) | (target.serial + 1)
    text = target.ticket()
    landing = LINK.replace("%%random%%", str(serial_of))
    for method in ("GET", "HEAD"):
        answer = await target.send(f"{method} /c/{text}?{query} HTTP/1.1".encode())
        assert harm(answer, method, "/c/x", (302,), ["evil"]) == []
        assert answer.headers.get_list("location") == [landing]


@pytest.mark.parametrize(
    "added",
    ["//evil.example", "/https://evil.example", "@evil.example", "%2f%2fevil.example",
     "%0d%0aLocation:%20https://evil.example", ";url=https://evil.example", "%23evil", "\\evil"],
)  # fmt: skip
async def test_what_is_added_to_a_ticket_is_no_click(target: Target, added: str) -> None:
    before = await target.events()
    answer = await target.get(f"/c/{target.ticket()}{added}")
    assert harm(answer, "GET", "/c/x", (400, 404), ["evil"]) == []
    assert "location" not in answer.headers
    assert await target.events() == before


@pytest.mark.parametrize(
    "header",
    [
        b"Host: evil.example",
        b"X-Forwarded-Host: evil.example",
        b"X-Forwarded-Proto: javascript",
        b"X-Original-URL: /c/evil",
        b"X-Rewrite-URL: https://evil.example/",
        b"Forwarded: host=evil.example;proto=https",
        b"Referer: https://evil.example/?url=https://evil.example",
        b"Origin: https://evil.example",
        b"X-HTTP-Method-Override: DELETE",
    ],
)
async def test_no_header_steers_a_click(target: Target, header: bytes) -> None:
    serial_of = (WRITER << 32) | (target.serial + 1)
    answer = await target.get(f"/c/{target.ticket()}", header)
    if header.startswith(b"Host") and answer.status == 400:
        return  # two of them
    assert harm(answer, "GET", "/c/x", (302,), ["evil"]) == []
    assert answer.headers["location"] == LINK.replace("%%random%%", str(serial_of))


@pytest.mark.parametrize("route", "ivch")
@pytest.mark.parametrize("added", ["#", "#@evil.example/", "?#evil", "#https://evil.example"])
async def test_a_fragment_is_no_part_of_an_address_on_the_wire(
    target: Target, route: str, added: str
) -> None:
    before = await target.events()
    text = target.ticket(DOCUMENT if route == "h" else CARD)
    for first in (f"GET /{route}/{text}{added}", f"GET http://ads.example/{route}/{text}{added}"):
        answer = await target.send(f"{first} HTTP/1.1".encode())
        assert harm(answer, "GET", "/c/x", (400,), ["evil"]) == []
        assert "location" not in answer.headers
    assert await target.events() == before
    assert (await target.get(f"/{route}/{text}")).status in (200, 302), "control: without it"
