"""Attacks on slots and decisions: no error of ours, nothing repeated, nothing that grows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adserver.serving.http import answer_empty
from adserver.serving.readings import MAX_READINGS
from adserver.serving.served import MAX_HINTS
from tests.factories import NOW
from tests.memory_use import resident_bytes
from tests.serving.attacked import CANARY, Target, attacked, harm
from tests.serving.memory import MemoryWorker


@pytest.fixture(scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with attacked(tmp_path_factory.mktemp("slots")) as one:
        for path in ("/slots/none", "/frame/none"):  # what is counted of these has its series now
            await one.get(path)
        yield one


X = CANARY.encode()
# Names of slots, as they stand in a path.
NAMES = {
    "up": b"../../etc/passwd",
    "up, encoded": b"%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "up, twice encoded": b"%252e%252e%252f",
    "up, overlong UTF-8": b"%c0%ae%c0%ae%c0%af" + X,
    "up, Windows": b"..%5c..%5c" + X,
    "a null": b"post-top%00" + X,
    "a line end": b"post-top%0d%0aSet-Cookie:%20" + X + b"=1",
    "a line end of Unicode": b"post-top%e2%80%a8" + X,
    "a header, after an overlong line end": b"%c4%8d%c4%8aX-Evil:%20" + X,
    "half of a character": b"%ed%a0%80" + X,
    "no UTF-8": b"%ff%fe" + X,
    "raw bytes": b"\xc3\xa9" + X,
    "from right to left": b"%e2%80%aepot-tsop" + X,
    "a Cyrillic o": b"p%d0%besst-t%d0%bep",
    "full width": b"%ef%bd%90ost-top",
    "combining": b"post-to%cc%81p",
    "script": b"%3Cscript%3Ealert(%22" + X + b"%22)%3C/script%3E",
    "attribute": b"%22%20onload=%22" + X,
    "template": b"%7B%7B7*7%7D%7D" + X,
    "macro": b"%25%25click%25%25" + X,
    "a hash tag": b"%7Bc7%7D:live",
    "separators": b"post-top:1.i|0" + X,
    "shell": b"$(id)%60id%60;id" + X,
    "long": b"a" * 8_000,
    "a slash behind": b"post-top/",
    "a point behind": b"post-top.",
    "a space behind": b"post-top%20",
    "capitals": b"POST-TOP",
    "a pattern": b"post-*",
    "nothing": b"",
    "prototype": b"__proto__",
    "a number": b"1",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_a_slot_that_is_none_is_empty_and_404(target: Target, name: bytes) -> None:
    before, series = await target.events(), target.series()
    for route in ("slots", "frame"):
        answer = await target.get(b"/" + route.encode() + b"/" + name)
        assert harm(answer, "GET", f"/{route}/x", (400, 404)) == []
        assert answer.body == b"" or answer.status == 400
        if answer.status == 404:
            said = answer.headers["x-ad-decision"]
            assert said in {"empty; reason=unknown_slot"} | {
                f"empty; reason=unknown_slot; hint=post-{where}" for where in ("top", "bottom")
            }
    assert await target.events() == before
    assert target.series() == series


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_a_decision_of_a_slot_that_is_none_is_unfilled(target: Target, name: bytes) -> None:
    answer = await target.get(b"/decisions?slots=" + name.replace(b"%2c", b""))
    assert harm(answer, "GET", "/decisions", (200, 400)) == []
    if answer.status == 200:
        for one in json.loads(answer.body)["decisions"]:
            assert (one["filled"], one["reason"]) == (False, "unknown_slot")


# Queries of a slot that there is: it is decided as if they were not there.
QUERIES = {
    "JSONP": b"callback=" + X + b"&jsonp=" + X + b"&cb=" + X,
    "array of PHP": b"slots[]=" + X + b"&lang[]=fr&url[a][b]=" + X,
    "lists without end": b"exclude=" + b"a," * 3_000,
    "one key, often": b"&".join([b"lang=" + X] * 64),
    "too many": b"&".join(b"p%d=%b" % (n, X) for n in range(5_000)),
    "no UTF-8": b"lang=%ff%fe%00" + X,
    "an address with a line end": b"url=https://blog.example/%0d%0aX:%20" + X,
    "an address that is a script": b"url=javascript:alert('" + X + b"')",
    "an address that is none": b"url=https://[::1&url=https://" + X + b":99999999/",
    "inner": b"site=" + X + b"&country=:country&consent=true&debug=1&preview=1&generation=1",
    "names of Python": b"__class__=" + X + b"&self=1&state=2",
    "an ampersand alone": b"&&=&=&",
    "semicolons": b";lang=fr;" + X,
    "a question": b"??lang=fr?" + X,
    "markup": b"lang=%3Cscript%3E" + X + b"%3C/script%3E&device=%22%3E" + X,
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("path", ["/slots/post-top", "/frame/post-top"])
async def test_a_query_steers_nothing_but_the_context(
    target: Target, path: str, query: bytes
) -> None:
    before = await target.events()
    answer = await target.get(f"{path}?".encode() + query)
    assert harm(answer, "GET", path, (200, 400, 414, 431)) == []
    if answer.status == 200:
        assert answer.headers["x-ad-decision"] == "fill; campaign=sold; creative=card"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert await target.events() == before


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_a_call_for_decisions_is_json_whatever_its_query(
    target: Target, query: bytes
) -> None:
    answer = await target.get(b"/decisions?slots=post-top&" + query)
    assert harm(answer, "GET", "/decisions", (200, 400, 414, 431)) == []
    if answer.status == 200:
        assert json.loads(answer.body)["decisions"][0]["filled"]
        assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "query", [b"", b"slots=", b"slots[]=post-top", b"callback=x", b"slots=,,,"]
)
async def test_a_call_without_slots_is_refused_in_our_own_words(
    target: Target, query: bytes
) -> None:
    answer = await target.get(b"/decisions?" + query)
    assert harm(answer, "GET", "/decisions", (400,)) == []
    assert json.loads(answer.body)["error"] == "no slots are asked for"


HEADERS = {
    "a long agent": b"User-Agent: " + X * 1_600,
    "a long referer": b"Referer: https://blog.example/" + X * 1_600,
    "an agent with markup": b"User-Agent: <script>" + X + b"</script>",
    "a referer with markup": b"Referer: https://blog.example/<script>" + X,
    "an agent of bytes": b"User-Agent: \xff\x01\x7f" + X,
    "languages without end": b"Accept-Language: " + b",".join([b"fr;q=1"] * 1_000),
    "languages of no number": b"Accept-Language: fr;q=nan, en;q=-inf, " + X + b";q=1e999",
    "a host of somebody else": b"X-Forwarded-Host: " + X + b".example",
    "an origin": b"Origin: https://" + X + b".example",
    "a cookie": b"Cookie: " + X + b"=" + X,
    "a purpose": b"Sec-Purpose: " + X,
    "inner names": b":country: FR",
    "an address": b"X-Forwarded-For: " + X + b", 127.0.0.1",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
async def test_no_header_comes_back_or_breaks_anything(target: Target, header: bytes) -> None:
    before = await target.events()
    for path in ("/slots/post-top", "/decisions?slots=post-top", "/frame/post-top", "/tag.js"):
        answer = await target.get(path, header)
        assert harm(answer, "GET", path, (200, 400, 431)) == []
    assert await target.events() == before


# A hundred thousand names

NAMES_OF_CALL, CALLS = 32, 3_125
MOST_MIB = 16


async def ask_for_made_up_slots(app: Any, state: Any) -> None:
    """100,000 different names, 32 a call."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200

    for call in range(CALLS):
        names = ",".join(f"made-up-{call}-{n}" for n in range(NAMES_OF_CALL))
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/decisions",
            "query_string": f"slots={names}".encode(),
            "headers": [(b"user-agent", f"agent {call}".encode())],
            "client": ("192.0.2.1", 1),
        }
        await app(scope, receive, send)


class Labelling:
    """An app that does what ours must not: it takes a label from the request."""

    def __init__(self, state: Any) -> None:
        self._state = state

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for name in scope["query_string"].decode().removeprefix("slots=").split(","):
            self._state.meter.counts["decisions_total"][name, "empty"] += 1
        await answer_empty(send, 200)


async def test_names_that_somebody_makes_up_leave_nothing_behind(target: Target) -> None:
    await target.get("/decisions?slots=made-up")  # so that its series are there
    series, rows = target.series(), len(target.memory.counts.rows)
    before = resident_bytes()
    await ask_for_made_up_slots(target.app, target.state)
    grown = resident_bytes() - before
    await target.events()
    assert target.series() == series
    assert len(target.memory.counts.rows) == rows
    served = target.state.live.served
    assert len(served.hints) <= MAX_HINTS
    assert len(served.reader._readings) <= MAX_READINGS
    assert grown < MOST_MIB * 1024 * 1024
    assert target.state.meter.counts["decisions_total"]["unknown", "empty"] >= 100_000


async def test_a_label_from_the_request_would_be_noticed(tmp_path: Path) -> None:
    memory = MemoryWorker(tmp_path)
    await memory.state.live.refresh(NOW)
    before = sum(map(len, memory.state.meter.dump().values()))
    await ask_for_made_up_slots(Labelling(memory.state), memory.state)
    assert sum(map(len, memory.state.meter.dump().values())) >= before + 100_000
