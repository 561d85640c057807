"""Heads of answers: bytes for our own protocol, pairs for any other server."""

from __future__ import annotations

from adserver.serving.http import CORS, NO_STORE, SLOT_HEAD, Head

SAID = (b"x-ad-decision", b"fill; campaign=a: b; creative=c")


def test_a_head_is_the_pairs_that_it_was_made_of() -> None:
    head = Head([*CORS, SAID], 12)
    assert list(head) == [*CORS, SAID, (b"content-length", b"12")]
    assert head.content_length == 12
    assert list(head) == list(head), "as often as it is asked"
    assert list(Head([], None)) == []


def test_one_that_comes_before_others_is_kept_once_for_all_of_them() -> None:
    one, other = SLOT_HEAD.before(812, SAID), SLOT_HEAD.before(7)
    assert list(one) == [*SLOT_HEAD, SAID, (b"content-length", b"812")]
    assert NO_STORE in list(other)
    assert one.shared is other.shared
    assert (one.content_length, other.content_length) == (812, 7)
    assert b"%b%b" % (one.shared, one.own) == one.encoded
