"""Calls of `/decisions`: read, or refused with what to send instead; never anything else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adserver.core.catalog import Device
from adserver.core.page import MAX_SLOTS_PER_CALL
from adserver.serving.calls import (
    MAX_BODY_BYTES,
    MAX_LIST_VALUES,
    Call,
    Malformed,
    checked_slots,
    read_call,
    read_json,
)
from adserver.serving.headers import Headers
from adserver.serving.request import MAX_CAPPED, Pages
from tests.factories import catalog

PAGES = Pages.of(catalog())
HINT = '{"slots": ["post-top"]'


def call(body: object, headers: Headers | None = None, trusted: bool = False) -> Call:
    return read_call(body, headers or {}, PAGES, trusted)


def contexts(body: object, **options):
    return [context for _, context in call(body, **options).asked]


def test_slots_are_asked_for_in_order_and_as_often_as_they_are() -> None:
    asked = call({"slots": ["b", {"slot": "a"}, "b"]}).asked
    assert [slot for slot, _ in asked] == ["b", "a", "b"]


def test_a_slots_own_context_wins_over_the_shared_one() -> None:
    own = {"slot": "a", "context": {"lang": "en"}}
    shared = {"lang": "fr", "url": "https://blog.example/x", "device": "mobile"}
    first, second = contexts({"slots": [own, "b"], "context": shared})
    assert (first.language, second.language) == ("en", "fr")
    assert {first.site, second.site} == {"blog"}
    assert first.device is Device.MOBILE


def test_json_values_mean_what_a_query_would() -> None:
    body = {"slots": ["a"], "context": {"consent": True, "exclude": ["x", "y,z"], "lang": None}}
    [context] = contexts(body)
    assert context.consent
    assert context.excluded == {"x", "y", "z"}
    assert call(body).ignored == ["unusable_value"]


def test_a_long_list_is_cut() -> None:
    many = [f"c{n}" for n in range(MAX_LIST_VALUES * 2)]
    body = {"slots": ["a"], "context": {"exclude": many}}
    [context] = contexts(body)
    assert len(context.excluded) == MAX_LIST_VALUES
    assert call(body).ignored == ["too_many"]


MOBILE = {"user_agent": "x Mobile"}


def test_a_visitor_is_believed_from_a_trusted_peer_alone() -> None:
    body = {"slots": ["a"], "visitor": MOBILE}
    assert contexts(body, trusted=True)[0].device is Device.MOBILE
    assert contexts(body)[0].device is Device.DESKTOP
    assert call(body).ignored == ["untrusted_visitor"]
    assert call(body, trusted=True).ignored == []


def test_whether_a_crawler_reads_a_page_says_the_server_that_is_trusted() -> None:
    pages = replace(PAGES, is_crawler=lambda agent: b"Crawler" in agent)
    body = {"slots": ["a"], "visitor": {"user_agent": "Crawler/1"}}
    script = {b"user-agent": b"python-requests/2"}
    for trusted in (True, False):
        [(_, context)] = read_call(body, script, pages, trusted).asked
        assert context.robot is trusted


def test_what_a_visitor_has_seen_is_believed_from_a_trusted_peer_alone() -> None:
    body = {"slots": ["a", "b"], "visitor": {"capped": ["x", "y,z"]}, "context": {"capped": "own"}}
    assert [one.capped for one in contexts(body, trusted=True)] == [{"x", "y", "z", "own"}] * 2
    assert contexts(body)[0].capped == {"own"}
    assert call(body).ignored == ["untrusted_visitor"]


def test_what_a_visitor_has_seen_is_bounded_and_what_is_left_out_is_counted() -> None:
    names = [f"c{n}" for n in range(MAX_CAPPED + 1)]
    for many in (names, [",".join(names)], ",".join(names), names * 9):
        body = {"slots": ["a"], "visitor": {"capped": many}}
        assert contexts(body, trusted=True)[0].capped == {*names[:-1]}
        assert call(body, trusted=True).ignored == ["too_many_capped"]
    assert call({"slots": ["a"], "visitor": {"capped": names[1:]}}, trusted=True).ignored == []


@pytest.mark.parametrize("odd", [3, None, {}, [["x"]], "\0", [True]])
def test_what_is_no_campaigns_name_is_ignored_and_counted(odd: object) -> None:
    body = {"slots": ["a"], "visitor": {"capped": odd}}
    assert contexts(body, trusted=True)[0].capped == frozenset()
    assert call(body, trusted=True).ignored == ["unusable_value"]


def test_a_visitors_privacy_signal_wins_over_what_a_server_says_of_them() -> None:
    body = {"slots": ["a"], "visitor": {"capped": ["x"]}}
    options = {"trusted": True, "headers": {b"sec-gpc": b"1"}}
    assert contexts(body, **options)[0].capped == frozenset()
    assert call(body, **options).ignored == ["privacy_signal"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "`slots` is not a list"),
        ({"slots": "a"}, "`slots` is not a list"),
        ({"slots": {"a": 1}}, "`slots` is not a list"),
        ({"slots": []}, "no slots"),
        ({"slots": ["a"] * (MAX_SLOTS_PER_CALL + 1)}, "33 slots, at most 32"),
        ({"slots": [1]}, "neither a name nor"),
        ({"slots": [["a"]]}, "neither a name nor"),
        ({"slots": [{"slot": 1}]}, "neither a name nor"),
        ({"slots": [{"slot": "a", "context": []}]}, "`context` is not an object"),
        ({"slots": ["a"], "context": "fr"}, "`context` is not an object"),
        ({"slots": ["a"], "visitor": [1]}, "`visitor` is not an object"),
    ],
)
def test_a_call_that_cannot_be_understood_says_what_to_send(body: object, error: str) -> None:
    with pytest.raises(Malformed) as refused:
        call(body)
    assert error in refused.value.error
    assert HINT in refused.value.hint
    assert refused.value.status == 400


def test_as_many_slots_as_the_limit_are_answered() -> None:
    assert len(checked_slots(["a"] * MAX_SLOTS_PER_CALL, "")) == MAX_SLOTS_PER_CALL


async def body_of(*pieces: bytes, ends_early: bool = False) -> object:
    messages = [{"type": "http.request", "body": p, "more_body": True} for p in pieces]
    last = {"type": "http.disconnect"} if ends_early else {"type": "http.request", "body": b""}
    waiting = iter([*messages, last])

    async def receive():
        return next(waiting)

    return await read_json(receive)


async def test_a_body_may_come_in_pieces() -> None:
    assert await body_of(b'{"slo', b'ts": []}') == {"slots": []}


@pytest.mark.parametrize(
    ("raw", "error", "status"),
    [
        (b"", "not JSON", 400),
        (b"slots=a", "not JSON", 400),
        (b"\xff\xfe", "not JSON", 400),
        (b'{"slots": ["\\ud800"]}', "not JSON", 400),
        (b"[" * 5_000, "not JSON", 400),
        (b"[]", "not a JSON object", 400),
        (b"null", "not a JSON object", 400),
        (b" " * (MAX_BODY_BYTES + 1), "over 65536 bytes", 413),
    ],
)
async def test_a_body_that_is_no_call_is_refused(raw: bytes, error: str, status: int) -> None:
    with pytest.raises(Malformed, match=error) as refused:
        await body_of(raw)
    assert refused.value.status == status


async def test_a_body_of_the_largest_size_is_read() -> None:
    largest = b'{"a": 1}'.ljust(MAX_BODY_BYTES)
    assert await body_of(largest) == {"a": 1}


async def test_a_caller_who_hangs_up_is_refused_and_not_waited_for() -> None:
    with pytest.raises(Malformed, match="ended early"):
        await body_of(b'{"slots"', ends_early=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda one: st.lists(one, max_size=4) | st.dictionaries(st.text(max_size=6), one, max_size=4),
    max_leaves=12,
)
CONTEXTS = JSON | st.dictionaries(
    st.sampled_from(["url", "lang", "device", "consent", "exclude", "capped", "tags", "x"]), JSON
)
SLOTS = st.fixed_dictionaries({"slot": JSON}, optional={"context": CONTEXTS})
ENTRIES = JSON | st.text(max_size=5) | SLOTS
CALLS = st.dictionaries(st.text(max_size=6), JSON) | st.fixed_dictionaries(
    {"slots": JSON | st.lists(ENTRIES, max_size=40)},
    optional={"context": CONTEXTS, "visitor": CONTEXTS},
)


@given(CALLS, st.booleans())
def test_any_json_is_a_call_or_malformed(body: dict[str, object], trusted: bool) -> None:
    with suppress(Malformed):
        assert 1 <= len(read_call(body, {}, PAGES, trusted).asked) <= MAX_SLOTS_PER_CALL


@given(st.binary(max_size=40) | st.sampled_from([b"{}", b"[1]", b'"x"', b"{" * 99]))
async def test_any_bytes_are_a_body_or_malformed(raw: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(await body_of(raw), dict)
