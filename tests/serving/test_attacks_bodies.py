"""Attacks by bodies: each is refused with what is wrong, or read as far as it can be."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adserver.serving.calls import MAX_BODY_BYTES
from tests.serving.attacked import CANARY, Target, attacked, harm, read_all

X = CANARY.encode()
REFUSED = (400,)
NOT_JSON = re.compile(r"the body is not JSON from line [0-9]+, column [0-9]+ on")


@pytest.fixture(scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with attacked(tmp_path_factory.mktemp("bodies")) as one:
        for body in (b"{}", b'{"slots": ["none"]}', b" " * MAX_BODY_BYTES + b" "):
            await one.post("/decisions", body)
        yield one


def asking(context: str) -> bytes:
    return b'{"slots": ["post-top"], "context": {%b}}' % context.encode("utf-8", "surrogatepass")


# What is no call at all, and the first words of what is said of it.
MALFORMED = {
    "nothing": (b"", "the body is not JSON"),
    "no JSON": (X * 10, "the body is not JSON"),
    "half of it": (b'{"slots": ["post-top"', "the body is not JSON"),
    "more than one": (b'{"slots": ["post-top"]}{}', "the body is not JSON"),
    "no UTF-8": (b'{"slots": ["post-top\xff\xfe"]}', "the body is not JSON"),
    "overlong UTF-8": (b'{"slots": ["\xc0\xae"]}', "the body is not JSON"),
    "half of a character": (b'{"slots": ["\\ud800"]}', "the body is not JSON"),
    "half of a character, raw": (b'{"slots": ["\xed\xa0\x80"]}', "the body is not JSON"),
    "UTF-16": ('{"slots": ["post-top"]}'.encode("utf-16"), "the body is not JSON"),
    "a null in it": (b'{"slots": ["post-top\x00"]}', "the body is not JSON"),
    "a line end in it": (b'{"slots": ["post-top\r\n"]}', "the body is not JSON"),
    "no number": (asking('"tags": NaN'), "the body is not JSON"),
    "too large a number": (asking('"tags": 1e999'), "the body is not JSON"),
    "a number without end": (asking('"tags": ' + "9" * 5_000), "the body is not JSON"),
    "deep lists": (b"[" * 10_000 + b"]" * 10_000, "the body is not JSON"),
    "deep objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "the body is not JSON"),
    "deep in a context": (asking('"a": ' + "[" * 10_000 + "]" * 10_000), "the body is not JSON"),
    "comments": (b'{"slots": ["post-top"] /* ' + X + b" */}", "the body is not JSON"),
    "XML": (
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>',
        "the body is not JSON",
    ),
    "a list": (b'["post-top"]', "the body is not a JSON object"),
    "a text": (b'"post-top"', "the body is not a JSON object"),
    "null": (b"null", "the body is not a JSON object"),
    "a form": (b"slots=post-top&x=" + X, "the body is not JSON"),
    "no slots": (b'{"slot": "post-top"}', "`slots` is not a list"),
    "slots by name": (b'{"slots": {"0": "post-top"}}', "`slots` is not a list"),
    "slots as a text": (b'{"slots": "post-top"}', "`slots` is not a list"),
    "an empty list": (b'{"slots": []}', "no slots are asked for"),
    "33 of them": (json.dumps({"slots": ["a"] * 33}).encode(), "33 slots, at most 32"),
    "a number": (b'{"slots": [1]}', "a slot is neither a name nor"),
    "a list in the list": (b'{"slots": [["post-top"]]}', "a slot is neither a name nor"),
    "an object without a name": (b'{"slots": [{"name": "post-top"}]}', "a slot is neither"),
    "a slot of a number": (b'{"slots": [{"slot": 1}]}', "a slot is neither a name nor"),
    "a context as a text": (b'{"slots": ["a"], "context": "url"}', "`context` is not an object"),
    "its own as a list": (b'{"slots": [{"slot": "a", "context": []}]}', "`context` is not an"),
    "a visitor as a list": (b'{"slots": ["a"], "visitor": []}', "`visitor` is not an object"),
    "duplicate keys, the last one wrong": (b'{"slots": ["a"], "slots": 1}', "`slots` is not"),
}


@pytest.mark.parametrize(("body", "said"), MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_call_is_refused_with_what_is_wrong(
    target: Target, body: bytes, said: str
) -> None:
    before, series = await target.events(), target.series()
    answer = await target.post("/decisions", body)
    assert harm(answer, "POST", "/decisions", REFUSED) == []
    error = json.loads(answer.body)["error"]
    assert error.startswith(said)
    assert X not in answer.body
    if said == "the body is not JSON":
        assert NOT_JSON.fullmatch(error), "in our words alone"
    assert await target.events() == before
    assert target.series() == series


# What is a call, with parts that nobody can use.
ODD = {
    "duplicate keys": b'{"slots": ["none"], "slots": ["post-top"]}',
    "unknown keys": b'{"slots": ["post-top"], "__proto__": {"a": 1}, "admin": true}',
    "large numbers": asking(f'"a": {"9" * 40}, "b": -0.0, "c": 1e308'),
    "lists in lists": asking('"tags": [[["x"]]], "url": {"a": 1}, "lang": null'),
    "a thousand values": asking('"tags": [' + ",".join(["1"] * 1_000) + "]"),
    "a thousand keys": asking(",".join(f'"k{n}": 1' for n in range(1_000))),
    "a key that is empty": asking('"": "' + CANARY + '"'),
    "an escaped line end": asking('"url": "https://blog.example/\\r\\nX: ' + CANARY + '"'),
    "markup": asking('"lang": "<script>' + CANARY + '</script>"'),
    "writing turned around": asking('"lang": "\u202erf"'),
    "true for everything": asking('"url": true, "device": true, "capped": true, "exclude": true'),
    "a visitor that is nobody's": b'{"slots": ["post-top"], "visitor": {"ip": {"a": []}}}',
    "32 of the same": json.dumps({"slots": ["post-top"] * 32}).encode(),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
async def test_what_cannot_be_used_of_a_call_is_ignored(target: Target, body: bytes) -> None:
    before = await target.events()
    answer = await target.post("/decisions", body)
    assert harm(answer, "POST", "/decisions", (200,)) == []
    assert json.loads(answer.body)["decisions"][0]["filled"]
    assert X not in answer.body
    assert await target.events() == before


@pytest.mark.parametrize("length", [MAX_BODY_BYTES + 1, 1_000_000, 10_000_000])
async def test_a_body_over_the_limit_is_413_and_not_kept(target: Target, length: int) -> None:
    call = b'{"slots": ["post-top"], "x": "' + b"x" * (length - 32) + b'"}'
    answer = await target.post("/decisions", call)
    assert harm(answer, "POST", "/decisions", (413,)) == []


async def test_a_body_at_the_limit_is_read(target: Target) -> None:
    call = b'{"slots": ["post-top"]}'
    body = call + b" " * (MAX_BODY_BYTES - len(call))
    assert (await target.post("/decisions", body)).status == 200


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip"])
async def test_a_compressed_body_is_never_unpacked(target: Target, coding: bytes) -> None:
    """A hundred MiB in a hundred KiB, cut to what is read."""
    bomb = gzip.compress(b" " * 10_000_000)
    answer = await target.post("/decisions", bomb[:MAX_BODY_BYTES], b"Content-Encoding: " + coding)
    assert harm(answer, "POST", "/decisions", (400, 415)) == []


@pytest.mark.parametrize(
    "kind",
    [b"text/plain", b"application/x-www-form-urlencoded", b"text/html", b"image/png; \x7f", b""],
)
async def test_what_a_body_is_called_makes_no_difference(target: Target, kind: bytes) -> None:
    """Browsers send beacons as text, so that they need not ask first."""
    answer = await target.post("/decisions", b'{"slots": ["post-top"]}', b"Content-Type: " + kind)
    assert harm(answer, "POST", "/decisions", (200, 400)) == []
    assert answer.headers.get("content-type") == "application/json" or answer.status == 400


@pytest.mark.parametrize("body", [b"", X, b'{"slots": ["post-top"]}', b"\x00" * 60_000])
async def test_the_body_of_a_beacon_is_not_looked_at(target: Target, body: bytes) -> None:
    before = await target.events()
    answer = await target.post(f"/i/{target.ticket()}", body)
    assert harm(answer, "POST", "/i/x", (204,)) == []
    assert answer.headers["x-ad-event"] == "accepted"
    assert await target.events() == {**before, "i": before["i"] + 1}


CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize("kind", ["i", "v"])
@pytest.mark.parametrize("body", [b"x\r\n", b"1\r\naX"])
async def test_an_event_is_its_address_and_counts_whatever_its_body_is(
    target: Target, kind: str, body: bytes
) -> None:
    """A beacon's body means nothing, so whether it is HTTP makes no difference to what happened."""
    before, path = await target.events(), f"/{kind}/{target.ticket()}"
    if kind == "v":
        await target.get(path.replace("/v/", "/i/"))
        before = await target.events()
    head = b"POST %b HTTP/1.1\r\nHost: ads.example\r\n%b\r\n\r\n" % (path.encode(), CHUNKED)
    reader, writer = await asyncio.open_connection(*target.address)
    writer.write(head + body)
    refused = await read_all(reader)
    writer.close()
    assert refused.startswith(b"HTTP/1.1 400 ")
    assert refused.count(b"\r\n\r\n") == 1, "one request, one answer"
    assert await target.events() == {**before, kind: before[kind] + 1}
    again = await target.post(path, b"")
    assert again.headers["x-ad-event"] == "discarded; reason=duplicate"


async def test_an_event_that_was_answered_is_not_taken_back_for_its_body(target: Target) -> None:
    before, path = await target.events(), f"/i/{target.ticket()}"
    head = b"POST %b HTTP/1.1\r\nHost: ads.example\r\n%b\r\n\r\n" % (path.encode(), CHUNKED)
    reader, writer = await asyncio.open_connection(*target.address)
    writer.write(head)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert b"\r\nx-ad-event: accepted\r\n" in answer
    writer.write(b"x\r\n")
    assert await read_all(reader) == b""
    writer.close()
    assert await target.events() == {**before, "i": before["i"] + 1}


async def test_a_slot_comes_back_as_it_was_asked_for_and_only_in_json(target: Target) -> None:
    """That of a call with several has to say which is which."""
    name = f"</script><script>{CANARY}\u2028\"'"
    answer = await target.post("/decisions", json.dumps({"slots": [name]}).encode())
    assert harm(answer, "POST", "/decisions", (200,)) == []
    [one] = json.loads(answer.body)["decisions"]
    assert one == {"slot": name, "filled": False, "reason": "unknown_slot", "hint": ""}


def named(value: Any) -> bytes:
    return json.dumps({"slots": [value]}).encode()


@pytest.mark.parametrize("value", ["post-top\u0000", "post-top ", "{c7}:live", "post-top:1.i"])
async def test_nothing_is_cut_off_a_name_until_it_is_one(target: Target, value: str) -> None:
    answer = await target.post("/decisions", named(value))
    assert harm(answer, "POST", "/decisions", (200,)) == []
    assert json.loads(answer.body)["decisions"][0]["reason"] == "unknown_slot"


async def test_of_a_key_that_is_there_twice_the_last_one_counts(target: Target) -> None:
    for slots in ((b"none", b"post-top"), (b"post-top", b"none")):
        answer = await target.post("/decisions", b'{"slots": ["%b"], "slots": ["%b"]}' % slots)
        [decision] = json.loads(answer.body)["decisions"]
        assert decision["slot"] == slots[-1].decode()
